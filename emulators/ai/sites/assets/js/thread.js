// Posts and messages: write, reply, vote
$$('[data-thread]').forEach(box => {
  const list = $('.posts', box), form = $('form', box), text = $('textarea', form), extra = $('select', form);
  const post = (who, words) => {
    const item = make('li', '');
    item.append(make('b', who), make('time', '{{just now|刚刚}}'), make('p', words));
    list.append(item);
  };
  $('button', form).onclick = e => {
    e.preventDefault();
    if (!text.value.trim()) return text.focus();
    post('{{You|我}}', (extra ? extra.value + ' · ' : '') + text.value);
    text.value = '';
    if (box.dataset.thread) setTimeout(() => post(box.dataset.thread, '{{Thank you, got it. Anything else?|收到，谢谢！还有什么可以帮您？}}'), 600);
  };
  list.onclick = e => {
    if (e.target.matches('.up')) e.target.textContent = '▲ ' + (parseInt(e.target.textContent.slice(2)) + 1);
    if (e.target.matches('.re')) { text.value = '@' + $('b', e.target.closest('li')).textContent + ' '; text.focus(); }
  };
});

// Tasks: add, tick, see the progress
$$('[data-tasks]').forEach(box => {
  const list = $('ul', box), form = $('form', box), text = $('input', form);
  const count = () => {
    const all = $$('input', list), done = all.filter(t => t.checked).length;
    $('progress', box).value = all.length ? done / all.length : 0;
    $('output', box).textContent = done + ' / ' + all.length;
  };
  list.onchange = count;
  $('button', form).onclick = e => {
    e.preventDefault();
    if (!text.value.trim()) return text.focus();
    const label = make('label', ' ' + text.value), tick = document.createElement('input');
    tick.type = 'checkbox';
    label.prepend(tick);
    list.appendChild(make('li', '')).append(label);
    text.value = '';
    count();
  };
  count();
});

// Editor: code or text on the left, the page on the right
$$('[data-editor]').forEach(box => {
  const code = $('textarea', box), page = $('iframe', box), colour = $('pre', box), mode = $('.mode', box), kept = $('.kept', box);
  const safe = t => t.replace(/&/g, '&amp;').replace(/</g, '&lt;');
  const show = () => {
    const text = mode.ariaPressed === 'true' ? code.value.split(/\n\n+/).map(p => '<p>' + safe(p) + '</p>').join('\n') : code.value;
    page.srcdoc = text;
    colour.innerHTML = safe(text).replace(/(&lt;\/?)([\w-]+)/g, '$1<b>$2</b>').replace(/("[^"]*")/g, '<i>$1</i>');
  };
  code.oninput = show;
  mode.onclick = () => {
    mode.ariaPressed = mode.ariaPressed !== 'true';
    code.value = mode.ariaPressed === 'true' ? code.value.replace(/<[^>]+>/g, '') : '<h1>' + code.value + '</h1>';
    show();
  };
  $('.save', box).onclick = () => {
    const text = code.value, b = make('button', '{{Template|模板}} ' + (kept.children.length + 1));
    b.onclick = () => { code.value = text; show(); };
    kept.append(b);
  };
  show();
});

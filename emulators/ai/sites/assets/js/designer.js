// Designer: the drawing follows the form
$$('[data-designer]').forEach(box => {
  const draw = () => $$('input, select', box).forEach(f => {
    $$('[data-of=' + f.name + ']', box).forEach(t => t.textContent = f.value);
    if (f.type === 'color') $('svg', box).style.color = f.value;
  });
  box.oninput = draw;
  $('button', box).onclick = e => { e.preventDefault(); $('output', box).textContent = '{{Design confirmed|设计已确认}} ✓'; };
  draw();
});

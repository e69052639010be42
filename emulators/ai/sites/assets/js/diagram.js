// Diagram: add, drag, rename, recolour, remove
$$('[data-diagram]').forEach(box => {
  const svg = $('svg', box), text = $('input', box), [type, style] = $$('select', box);
  let shapes = [], picked = null;
  const starts = { 0: [[150, 30], [150, 110], [150, 190]], 1: [[150, 30], [60, 130], [240, 130]], 2: [[150, 110], [40, 40], [260, 40], [40, 190], [260, 190]] };
  const draw = () => svg.innerHTML = shapes.slice(1).map((s, i) => { const p = shapes[+type.value ? 0 : i]; return `<path d="M${p.x + 50} ${p.y + 20}L${s.x + 50} ${s.y + 20}"/>`; }).join('')
    + shapes.map((s, i) => `<g data-i="${i}" class="${s === picked ? 'on' : ''}" transform="translate(${s.x} ${s.y})"><rect width="100" height="40" rx="${style.value}"/><text x="50" y="25"></text></g>`).join('');
  const show = () => { draw(); $$('text', svg).forEach((t, i) => t.textContent = shapes[i].name); };
  const fresh = () => { shapes = starts[type.value].map(([x, y], i) => ({ x, y, name: '{{Step|步骤}} ' + (i + 1) })); picked = null; show(); };
  type.onchange = fresh;
  style.onchange = show;
  text.oninput = () => { if (picked) { picked.name = text.value; show(); } };
  const [add, remove, clear] = $$('button', box);
  add.onclick = () => { shapes.push(picked = { x: 20 + shapes.length * 22, y: 230, name: text.value || '{{New|新元素}}' }); show(); };
  remove.onclick = () => { shapes = shapes.filter(s => s !== picked); picked = null; show(); };
  clear.onclick = fresh;
  svg.onpointerdown = e => { const g = e.target.closest('g'); picked = g ? shapes[g.dataset.i] : null; if (picked) { text.value = picked.name; svg.setPointerCapture(e.pointerId); } show(); };
  svg.onpointermove = e => { if (picked && e.buttons) { picked.x += e.movementX; picked.y += e.movementY; show(); } };
  fresh();
});

// Compare two, side by side
$$('[data-compare]').forEach(box => {
  const [names, ...rows] = JSON.parse(box.dataset.compare), [a, b] = $$('select', box);
  const draw = () => $('table', box).innerHTML = names.map((n, i) => `<tr><th>${n}</th><td>${rows[a.value][i]}</td><td>${rows[b.value][i]}</td></tr>`).join('');
  b.value = 1;
  a.onchange = b.onchange = draw;
  draw();
});

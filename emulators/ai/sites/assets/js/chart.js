// Charts: bars or a line, from the numbers in data-chart
$$('[data-chart]').forEach(box => {
  const sets = JSON.parse(box.dataset.chart), view = $('figure', box), names = Object.keys(sets);
  let now = names[0], line = false;
  const draw = () => {
    const all = sets[now], top = Math.max(...all), x = i => 24 + i * 62, y = v => 150 - v / top * 125;
    const marks = line
      ? `<polyline points="${all.map((v, i) => x(i) + 18 + ',' + y(v)).join(' ')}"/>`
      : all.map((v, i) => `<rect x="${x(i)}" y="${y(v)}" width="36" height="${150 - y(v)}" rx="4"/>`).join('');
    view.innerHTML = `<svg viewBox="0 0 400 175" role="img" aria-label="${now}">${marks}${all.map((v, i) => `<text x="${x(i) + 18}" y="${y(v) - 6}">${v}</text><text x="${x(i) + 18}" y="168">${box.dataset.labels.split('|')[i]}</text>`).join('')}</svg>`;
  };
  $('select', box).onchange = e => { now = e.target.value; draw(); };
  $('button', box).onclick = () => { line = !line; draw(); };
  draw();
});

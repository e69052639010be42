// Matching: best fit first
$$('[data-match]').forEach(box => {
  const rows = JSON.parse(box.dataset.match), picks = $$('select', box), list = $('ol', box);
  box.onchange = () => {
    const fit = r => 40 + Math.min(59, picks.filter(p => p.value && r.join(' ').includes(p.value)).length * 28 + r[0].length % 9);
    list.replaceChildren(...rows.map(r => [fit(r), r]).sort((a, b) => b[0] - a[0]).map(([n, r]) => make('li', n + '% · ' + r.join(' · '))));
  };
  box.onchange();
});

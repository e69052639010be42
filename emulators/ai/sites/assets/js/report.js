// Reports: made of the chosen subject, format and contents
$$('[data-report]').forEach(box => {
  const rows = JSON.parse(box.dataset.report), find = $('input', box), format = $('select', box), out = $('.out', box);
  $('button', box).onclick = e => {
    e.preventDefault();
    const hits = rows.filter(r => r.join(' ').toLowerCase().includes(find.value.trim().toLowerCase()));
    const parts = $$('[type=checkbox]:checked', box).map(c => c.value);
    if (!hits.length || !parts.length) {
      out.textContent = hits.length ? '{{Choose at least one part.|请至少选择一项内容。}}' : '{{Nothing has that name. Try: |没有找到，可以试试：}}' + rows[0][0];
      return;
    }
    out.replaceChildren(make('h3', format.value + ' · ' + (find.value || '{{all|全部}}')), make('p', parts.join(' · ')));
    const table = out.appendChild(make('table', ''));
    hits.forEach(r => r.forEach((c, i, { length }) => (i ? table.rows[table.rows.length - 1] : table.insertRow()).insertCell().textContent = c));
  };
});

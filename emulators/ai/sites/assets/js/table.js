// Tables: search, filter, sort, change a state, add a row
$$('[data-table]').forEach(box => {
  const body = $('tbody', box), find = $('[type=search]', box), pick = $('select', box);
  find.oninput = pick.onchange = () => [...body.rows].forEach(row => {
    const text = row.textContent.toLowerCase();
    row.hidden = !text.includes(find.value.toLowerCase()) || !text.includes(pick.value.toLowerCase());
  });
  $$('th', box).forEach((th, i) => th.onclick = () => {
    const up = th.ariaSort === 'ascending' ? -1 : 1;
    th.ariaSort = up > 0 ? 'ascending' : 'descending';
    body.append(...[...body.rows].sort((a, b) => up * a.cells[i].innerText.localeCompare(b.cells[i].innerText, undefined, { numeric: true })));
  });
  const states = box.dataset.table.split('|');
  body.onclick = e => {
    if (e.target.matches('.state')) e.target.textContent = states[(states.indexOf(e.target.textContent) + 1) % states.length];
  };
  const form = $('form', box), add = form && $('button', form);
  if (add) add.onclick = e => {
    e.preventDefault();
    const fields = $$('input', form), empty = fields.find(f => !f.value.trim());
    if (empty) return empty.focus();
    const row = body.insertRow(0);
    fields.forEach(f => { row.insertCell().textContent = f.value; f.value = ''; });
    row.lastChild.replaceChildren(make('button', row.lastChild.textContent, 'state'));
  };
});

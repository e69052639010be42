// Hours: log them, keep the total
$$('[data-hours]').forEach(box => {
  const form = $('form', box), [who, hours] = $$('input', form), body = $('tbody', box);
  const total = () => $('output', box).textContent = [...body.rows].reduce((t, r) => t + parseFloat(r.cells[1].textContent), 0) + ' h';
  $('button', form).onclick = e => {
    e.preventDefault();
    if (!who.value.trim()) return who.focus();
    if (!(hours.value > 0)) return hours.focus();
    const row = body.insertRow(0);
    [who.value, hours.value + ' h', '{{today|今天}}'].forEach(t => row.insertCell().textContent = t);
    form.reset();
    total();
  };
  total();
});

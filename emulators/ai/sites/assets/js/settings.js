// Settings: applied at once
$$('[data-settings]').forEach(box => box.onchange = e => {
  const label = e.target.closest('label');
  $('output', box).textContent = label.firstChild.textContent.trim() + ' → ' + (e.target.type === 'checkbox' ? (e.target.checked ? '✓' : '–') : e.target.value);
  document.body.dataset.option = e.target.value;
});

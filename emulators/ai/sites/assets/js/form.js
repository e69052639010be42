// Forms: say what is missing, confirm what was sent
$$('form[data-done]').forEach(form => {
  const note = $('[role=status]', form);
  $('button:not([type=button])', form).onclick = e => {
    e.preventDefault();
    const wrong = $$('input, select, textarea', form).filter(f => !f.checkValidity());
    $$('[aria-invalid]', form).forEach(f => f.removeAttribute('aria-invalid'));
    wrong.forEach(f => f.ariaInvalid = 'true');
    note.classList.toggle('bad', wrong.length > 0);
    if (wrong.length) {
      note.textContent = '{{Please check: |请检查：}}' + wrong.map(f => f.labels[0].firstChild.textContent.trim()).join(', ');
      return wrong[0].focus();
    }
    note.textContent = form.dataset.done;
    const first = $('input, textarea', form).value, log = form.nextElementSibling;
    if (log && log.matches('.log')) log.prepend(make('li', first + ' · {{just now|刚刚}}'));
    form.reset();
  };
});

// Cards: search, categories, save, choose
$$('[data-catalog]').forEach(box => {
  const cards = $$('.card', box), find = $('[type=search]', box), chips = $$('.chips button', box), tray = $('.tray', box);
  let kind = '';
  const show = () => cards.forEach(c => c.hidden = (kind && c.dataset.kind !== kind) || !c.textContent.toLowerCase().includes(find.value.toLowerCase()));
  find.oninput = show;
  chips.forEach(chip => chip.onclick = () => {
    chips.forEach(c => c.ariaPressed = c === chip);
    kind = chip.value;
    show();
  });
  box.addEventListener('click', e => {
    if (!e.target.matches('.act, .fav')) return;
    e.target.ariaPressed = e.target.ariaPressed !== 'true';
    const names = $$('.act[aria-pressed=true]', box).map(b => $('h3', b.closest('.card')).textContent);
    tray.textContent = names.length ? box.dataset.catalog + ' (' + names.length + '): ' + names.join(', ') : '';
  });
});

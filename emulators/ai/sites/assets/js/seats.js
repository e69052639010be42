// Seats: choose the free ones
$$('[data-seats]').forEach(box => {
  $$('button', box).forEach(b => b.onclick = () => {
    b.ariaPressed = b.ariaPressed !== 'true';
    const n = $$('[aria-pressed=true]', box).length;
    $('output', box).textContent = n + ' × ' + box.dataset.seats + ' = ' + n * box.dataset.seats;
  });
});

// Calculator: each amount times its rate
$$('[data-calc]').forEach(box => {
  const sum = () => $('output', box).textContent = box.dataset.calc.replace('#', $$('input', box).reduce((t, f) => t + f.value * f.dataset.rate, 0).toLocaleString(undefined, { maximumFractionDigits: 1 }));
  box.oninput = sum;
  sum();
});

// Carousel: moves by itself, waits under the pointer
$$('.carousel').forEach(box => {
  const slides = $$('.slide', box), still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  let at = 0, wait = false;
  const go = n => { at = (n + slides.length) % slides.length; slides.forEach((s, i) => s.hidden = i !== at); };
  const [back, next] = $$('button', box);
  back.onclick = () => go(at - 1);
  next.onclick = () => go(at + 1);
  box.onmouseenter = () => wait = true;
  box.onmouseleave = () => wait = false;
  if (!still) setInterval(() => wait || go(at + 1), 3500);
  go(0);
});

// Share: copy where the browser lets us, else select
$$('[data-share]').forEach(box => {
  const field = $('input', box);
  $$('button', box).forEach(b => b.onclick = () => {
    field.select();
    try { navigator.clipboard.writeText(field.value).catch(() => {}); } catch (e) { /* not allowed here */ }
    $('output', box).textContent = b.textContent + ' ✓';
  });
});

// Links: add, edit, delete
$$('[data-links]').forEach(box => {
  const list = $('ul', box), form = $('form', box), [name, url] = $$('input', form);
  let open = null;
  list.onclick = e => {
    const item = e.target.closest('li'), link = item && $('a', item);
    if (e.target.matches('.del')) item.remove();
    if (e.target.matches('.edit')) { open = link; name.value = link.textContent; url.value = link.href; name.focus(); }
  };
  $('button', form).onclick = e => {
    e.preventDefault();
    if (!name.value.trim() || !url.value.trim()) return (name.value ? url : name).focus();
    const link = open || list.appendChild(list.firstElementChild.cloneNode(true)).firstElementChild;
    link.textContent = name.value;
    link.href = /^https?:/.test(url.value) ? url.value : 'https://' + url.value;
    open = null;
    form.reset();
  };
});

// Register and log in: two tabs
$$('.tabs').forEach(tabs => $$('button', tabs).forEach((tab, i, all) => tab.onclick = () => {
  all.forEach(t => t.ariaSelected = t === tab);
  $$(':scope > form', tabs.parentElement).forEach((form, n) => form.hidden = n !== i);
}));

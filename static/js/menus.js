/* Header menus: the theme switch, and closing a popover when focus or a link leaves it. */

function chosenTheme() {
  try {
    return localStorage.getItem("theme") || "system";
  } catch {
    return "system";
  }
}

function showThemeChoice() {
  const chosen = chosenTheme();
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === chosen));
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-theme-choice]");
  if (!button) return;
  try {
    localStorage.setItem("theme", button.dataset.themeChoice);
  } catch {
    return; // nothing can be remembered
  }
  window.dispatchEvent(new Event("themechoice"));
  showThemeChoice();
});

for (const menu of document.querySelectorAll(".menu[popover]")) {
  const opener = document.querySelector(`[popovertarget="${menu.id}"]`);
  menu.addEventListener("toggle", (event) => {
    opener?.setAttribute("aria-expanded", String(event.newState === "open"));
  });
  menu.addEventListener("focusout", (event) => {
    const next = event.relatedTarget;
    if (next && next !== opener && !menu.contains(next)) menu.hidePopover();
  });
}

showThemeChoice();

/* Sets the theme before the first paint: a plain script in <head>, because a module would come
   after it and the page would flash. The switch itself is in menus.js. */
(() => {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  function choice() {
    try {
      return localStorage.getItem("theme") || "system";
    } catch {
      return "system"; // storage is blocked: follow the system
    }
  }

  function apply() {
    const chosen = choice();
    const theme = chosen === "system" ? (dark.matches ? "dark" : "light") : chosen;
    root.dataset.bsTheme = theme === "dark" ? "dark" : "light";
  }

  apply();
  dark.addEventListener("change", apply);
  window.addEventListener("storage", apply);
  window.addEventListener("themechoice", apply);
})();

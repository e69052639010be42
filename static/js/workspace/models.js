/* The model selector: shows the choice on its button, filters the list, closes when one is picked. */

import { hangAt } from "./anchor.js";
import { emit } from "./bus.js";

export function startModels(root) {
  const menu = root.querySelector("[data-models]");
  const opener = root.querySelector("[data-models-open]");
  const search = menu.querySelector("[data-models-search]");
  const none = menu.querySelector("[data-models-none]");
  const rows = [...menu.querySelectorAll("[data-search]")];

  hangAt(menu, opener);

  function show() {
    const chosen = menu.querySelector("input[name=model]:checked");
    if (!chosen) return;
    root.querySelector("[data-model-name]").textContent = chosen.dataset.name;
    root.querySelector("[data-model-cost]").textContent = chosen.dataset.cost;
  }

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      row.hidden = !words.every((word) => row.dataset.search.toLowerCase().includes(word));
      if (!row.hidden) shown += 1;
    }
    none.hidden = shown > 0;
  }

  menu.addEventListener("change", () => {
    show();
    emit("model");
  });
  // A click or Enter picks and closes; the arrow keys only move the choice.
  menu.addEventListener("click", (event) => {
    if (event.target.closest("[data-search]") && event.detail > 0) menu.hidePopover();
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    const first = rows.find((row) => !row.hidden)?.querySelector("input:enabled");
    if (event.target === search && search.value && first) {
      first.checked = true;
      first.dispatchEvent(new Event("change", { bubbles: true }));
    }
    menu.hidePopover();
  });
  search.addEventListener("input", filter);
  menu.addEventListener("toggle", (event) => {
    if (event.newState === "open") {
      search.focus();
      menu.querySelector("input[name=model]:checked")?.closest("label").scrollIntoView({ block: "nearest" });
    } else {
      search.value = "";
      filter();
      if (menu.contains(document.activeElement) || document.activeElement === document.body) opener.focus();
    }
  });
  show();
}

/** Picks a model by its slug, if it can be chosen. */
export function chooseModel(slug) {
  const input = document.querySelector(`input[name=model][value="${CSS.escape(slug)}"]:enabled`);
  if (!input) return;
  input.checked = true;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

export function modelName(slug) {
  return document.querySelector(`input[name=model][value="${CSS.escape(slug)}"]`)?.dataset.name ?? slug;
}

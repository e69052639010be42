/* The model selector: shows the choice on its button, filters the list, closes when one is picked. */

import { hangAt } from "./anchor.js";
import { emit, on } from "./bus.js";
import { say } from "./config.js";

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

  const sight = startSight(root, menu, rows);
  menu.addEventListener("change", () => {
    sight.chosen();
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

/** While pictures are attached, models that can not see them can not be chosen, and say so. */
function startSight(root, menu, rows) {
  const line = root.querySelector("[data-model-switched]");
  const blind = rows
    .map((row) => ({ row, input: row.querySelector("input") }))
    .filter(({ input }) => !("vision" in input.dataset) && !input.disabled);
  let before = null;
  let switching = false;

  function pick(input) {
    switching = true;
    input.checked = true;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    switching = false;
  }

  function mark(isBlind) {
    for (const { row, input } of blind) {
      input.disabled = isBlind;
      row.classList.toggle("is-blind", isBlind);
      row.querySelector(".model-row").classList.toggle("is-off", isBlind);
      row.querySelector("[data-blind]")?.remove();
      if (!isBlind) continue;
      const why = document.createElement("div");
      why.className = "model-why";
      why.dataset.blind = "";
      why.textContent = say("modelBlind");
      row.querySelector(".model-row").append(why);
    }
  }

  function change() {
    const chosen = menu.querySelector("input[name=model]:checked");
    if (!chosen || "vision" in chosen.dataset) return;
    const now = nearest(chosen, menu.querySelectorAll("input[name=model][data-vision]:enabled"));
    if (!now) {
      line.textContent = say("modelNoneSees");
      return;
    }
    before = chosen;
    pick(now);
    line.textContent = say("modelSwitched", { before: before.dataset.name, now: now.dataset.name });
  }

  on("pictures", ({ count }) => {
    if (count > 0) {
      change();
      mark(true);
      return;
    }
    mark(false);
    line.textContent = "";
    if (before) pick(before);
    before = null;
  });

  return {
    /** The person's own choice stands: nothing is switched back then. */
    chosen() {
      if (switching) return;
      before = null;
      line.textContent = "";
    },
  };
}

/** Of those that see, the one whose price is nearest, rather below than above. */
function nearest(chosen, seeing) {
  const costOf = (input) => Number(input.dataset.cost.slice(1));
  const most = costOf(chosen);
  const far = (input) => (costOf(input) <= most ? most - costOf(input) : 100 + costOf(input));
  return [...seeing].sort((one, other) => far(one) - far(other))[0] ?? null;
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

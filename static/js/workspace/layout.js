/* Tabs of the stage, the phone's switch, the splitter between conversation and stage, and the
   button that folds the conversation away. */

import { on } from "./bus.js";

const WIDTH_KEY = "workspace-ask-width";
const FOLDED_KEY = "workspace-ask-folded";
const WIDTH_MIN = 300;
const WIDTH_MAX = 640;

const remembered = {
  read(key) {
    try {
      return localStorage.getItem(key) ?? "";
    } catch {
      return "";
    }
  },
  write(key, value) {
    try {
      localStorage.setItem(key, value);
    } catch {
      // storage is blocked: the choice holds for this page
    }
  },
};

function startTabs(root) {
  const tabs = [...root.querySelectorAll("[data-tab]")];
  function select(tab, focus) {
    for (const other of tabs) {
      const selected = other === tab;
      other.setAttribute("aria-selected", String(selected));
      other.tabIndex = selected ? 0 : -1;
      root.querySelector(`[data-pane="${other.dataset.tab}"]`).hidden = !selected;
    }
    if (focus) tab.focus();
  }
  for (const tab of tabs) {
    tab.addEventListener("click", () => select(tab, false));
    tab.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
      select(tabs[(tabs.indexOf(tab) + 1) % tabs.length], true);
    });
  }
  return (name) => select(tabs.find((tab) => tab.dataset.tab === name), false);
}

function startSwitch(root, selectTab) {
  const buttons = [...root.querySelectorAll("[data-views] [data-view]")];
  function view(name) {
    root.dataset.view = name;
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.dataset.view === name));
    }
    if (name !== "ask") selectTab(name);
  }
  for (const button of buttons) button.addEventListener("click", () => view(button.dataset.view));
  return view;
}

function startSplitter(root) {
  const splitter = root.querySelector("[data-splitter]");
  function set(width) {
    const bounded = Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, Math.round(width)));
    root.style.setProperty("--ask-width", `${bounded}px`);
    splitter.setAttribute("aria-valuenow", String(bounded));
    remembered.write(WIDTH_KEY, String(bounded));
  }
  const kept = Number(remembered.read(WIDTH_KEY));
  if (kept) set(kept);
  splitter.addEventListener("pointerdown", (event) => {
    splitter.setPointerCapture(event.pointerId);
    root.dataset.resizing = "";
  });
  splitter.addEventListener("pointermove", (event) => {
    if (splitter.hasPointerCapture(event.pointerId)) set(event.clientX);
  });
  splitter.addEventListener("lostpointercapture", () => delete root.dataset.resizing);
  splitter.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -24, ArrowRight: 24 }[event.key];
    if (!step) return;
    event.preventDefault();
    set(Number(splitter.getAttribute("aria-valuenow")) + step);
  });
}

/** Folds the conversation away. Returns a function that brings it back without remembering it. */
function startFold(root) {
  const button = root.querySelector("[data-ask-toggle]");
  function fold(folded) {
    root.toggleAttribute("data-folded", folded);
    button.setAttribute("aria-expanded", String(!folded));
  }
  button.addEventListener("click", () => {
    const folded = !root.hasAttribute("data-folded");
    fold(folded);
    remembered.write(FOLDED_KEY, folded ? "yes" : "");
  });
  fold(remembered.read(FOLDED_KEY) === "yes");
  return () => fold(false);
}

export function startLayout(root) {
  const selectTab = startTabs(root);
  const view = startSwitch(root, selectTab);
  startSplitter(root);
  const unfold = startFold(root);
  // What went wrong, and what to do next, stands in the conversation.
  on("run:ended", ({ state }) => state !== "succeeded" && unfold());
  on("run:started", () => root.removeAttribute("data-fresh"));
  // On a phone what was asked for is behind the switch: show it once there is something to see.
  on("run:ended", ({ version }) => {
    if (version && root.dataset.view === "ask") view("preview");
  });
}

/* Tabs of the stage, the phone's switch, the splitter between conversation and stage. */

import { on } from "./bus.js";

const WIDTH_KEY = "workspace-ask-width";
const WIDTH_MIN = 300;
const WIDTH_MAX = 640;

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
    try {
      localStorage.setItem(WIDTH_KEY, String(bounded));
    } catch {
      // storage is blocked: the width holds for this page
    }
  }
  let kept = 0;
  try {
    kept = Number(localStorage.getItem(WIDTH_KEY));
  } catch {
    kept = 0;
  }
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

export function startLayout(root) {
  const selectTab = startTabs(root);
  const view = startSwitch(root, selectTab);
  startSplitter(root);
  on("run:started", () => root.removeAttribute("data-fresh"));
  // On a phone what was asked for is behind the switch: show it once there is something to see.
  on("run:ended", ({ version }) => {
    if (version && root.dataset.view === "ask") view("preview");
  });
}

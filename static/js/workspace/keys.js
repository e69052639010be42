/* Esc stops the run, ? shows the keys. Ctrl/⌘+Enter is the composer's own. */

import { emit } from "./bus.js";

export function isTyping(element) {
  return element.closest?.("input, textarea, select, [contenteditable]");
}

export function startKeys(root) {
  const dialog = root.querySelector("[data-keys]");
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if (event.key === "Escape" && !document.querySelector("[popover]:popover-open, dialog[open]")) {
      emit("stop");
    }
    if (event.key === "?" && !isTyping(event.target) && !event.ctrlKey && !event.metaKey) {
      dialog.showModal();
    }
  });
}

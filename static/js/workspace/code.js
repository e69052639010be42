/* The code, read-only: the list of files and one of them, following the file being written until
   the person picks one. */

import { on } from "./bus.js";
import { say } from "./config.js";
import { contentOf, picturesOf } from "./site.js";

const FOLLOW_WITHIN_PX = 48;

export function startCode(root) {
  const list = root.querySelector("[data-code-files]");
  const view = root.querySelector("[data-code-view]");
  let files = new Map();
  // Path → address: pictures stand after the text files, and no run changes them.
  let pictures = new Map();
  let path = "";
  let picked = false;
  let writing = "";
  let changed = new Set();

  const numbers = document.createElement("pre");
  numbers.className = "code-numbers";
  numbers.setAttribute("aria-hidden", "true");
  const code = document.createElement("pre");
  code.className = "code-text";

  function draw() {
    if (!files.size) return;
    if (!files.has(path) && !pictures.has(path)) path = files.has("index.html") ? "index.html" : [...files.keys()][0];
    drawList();
    drawCode();
  }

  function drawList() {
    const buttons = [...files.keys(), ...pictures.keys()].map((name) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name;
      button.dataset.path = name;
      button.setAttribute("aria-current", String(name === path));
      if (name === writing) button.dataset.writing = say("writing");
      else if (changed.has(name)) button.dataset.changed = "";
      return button;
    });
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.path : null;
    list.replaceChildren(...buttons);
    if (focused) buttons.find((button) => button.dataset.path === focused)?.focus();
  }

  function drawCode() {
    if (pictures.has(path) && !files.has(path)) {
      drawPicture();
      return;
    }
    const text = files.get(path) ?? "";
    const atEnd = view.scrollHeight - view.scrollTop - view.clientHeight < FOLLOW_WITHIN_PX;
    const count = text.split("\n").length - (text.endsWith("\n") ? 1 : 0) || 1;
    if (numbers.dataset.count !== String(count)) {
      numbers.dataset.count = String(count);
      numbers.textContent = Array.from({ length: count }, (_, index) => index + 1).join("\n");
    }
    if (code.textContent !== text) code.textContent = text;
    if (!view.contains(code)) view.replaceChildren(numbers, code);
    if (path === writing && atEnd) view.scrollTop = view.scrollHeight;
  }

  function drawPicture() {
    const source = pictures.get(path);
    if (view.querySelector("img")?.getAttribute("src") === source) return;
    const image = document.createElement("img");
    image.className = "code-picture";
    image.src = source;
    image.alt = path;
    view.replaceChildren(image);
  }

  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-path]");
    if (!button) return;
    path = button.dataset.path;
    picked = true;
    view.scrollTop = 0;
    draw();
  });
  on("run:live", () => {
    picked = false;
    changed = new Set();
  });
  on("site:files", (detail) => {
    files = detail.files;
    writing = detail.path;
    if (writing) changed.add(writing);
    if (!picked && files.has(writing)) path = writing;
    draw();
  });
  on("version:shown", async ({ version }) => {
    writing = "";
    changed = new Set(version.changed);
    try {
      files = new Map(await contentOf(version.number));
      pictures = picturesOf(version);
      draw();
    } catch {
      const problem = document.createElement("p");
      problem.className = "quiet small code-empty";
      problem.textContent = say("filesFailed");
      view.replaceChildren(problem);
    }
  });
  on("version:kept", () => {
    writing = "";
    draw();
  });
}

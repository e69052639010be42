/* The live frame: paints a site while it streams in.

   The workspace posts {type: "sitewright:paint", files, path, complete}; this page composes one
   document out of it and paints it into the frame at the back. When that one has something to
   show, the two change places: the last good paint stays until then. Timers only, no animation
   frames, which do not run in a hidden tab. Scripts of the site never run here. */

import { compose, firstPage } from "/compose.js";

const PAINT_EVERY_MS = 300;
// A paint that never says it is ready (an image that hangs) is shown after this.
const READY_WITHIN_MS = 2000;
const MESSAGE_MAX_FILES = 200;

const origins = document.body.dataset.origins.split(" ");
const waiting = document.querySelector("[data-waiting]");
const [first, second] = document.querySelectorAll("[data-paint]");

let front = null;
let back = first;
let wanted = null;
let painting = null;
let timer = 0;
let paintedAt = 0;
let paintedMarkup = "";
let paints = 0;
let scroll = { path: "", y: 0 };
let frontShows = false;
let prelude = null;

const preludeLoads = fetch("/inner.js")
  .then((response) => response.text())
  .then((text) => {
    prelude = text;
  });

function tell(type, detail = {}) {
  window.parent.postMessage({ type: `sitewright:${type}`, ...detail }, "*");
}

function isPaintRequest(data) {
  if (data?.type !== "sitewright:paint" || typeof data.files !== "object" || !data.files) return false;
  const entries = Object.entries(data.files);
  return entries.length <= MESSAGE_MAX_FILES && entries.every(([, text]) => typeof text === "string");
}

window.addEventListener("message", (event) => {
  if (event.source === window.parent && event.source !== window) {
    if (!origins.includes(event.origin) || !isPaintRequest(event.data)) return;
    const { files, path, complete } = event.data;
    wanted = { files: new Map(Object.entries(files)), path: String(path ?? ""), complete: complete === true };
    schedule();
    return;
  }
  if (front && event.source === front.contentWindow) fromFront(event.data);
  if (painting && event.source === painting.frame.contentWindow) fromBack(event.data);
});

function fromFront(data) {
  if (data?.type === "scroll" && Number.isFinite(data.y)) scroll.y = data.y;
  if (data?.type === "follow" && typeof data.path === "string" && wanted?.files.has(data.path)) {
    wanted = { ...wanted, path: data.path };
    tell("navigated", { path: data.path });
    schedule();
  }
}

function fromBack(data) {
  if (data?.type === "ready") ready({ empty: data.empty === true, height: Number(data.height) || 0 });
}

function schedule() {
  if (timer || painting) return;
  const wait = wanted?.complete ? 0 : Math.max(0, PAINT_EVERY_MS - (Date.now() - paintedAt));
  timer = setTimeout(paint, wait);
}

function paint() {
  timer = 0;
  if (!wanted) return;
  const path = wanted.files.has(wanted.path) ? wanted.path : firstPage(wanted.files);
  const markup = path && compose(wanted.files, path, prelude, wanted.complete);
  if (!markup || markup === paintedMarkup) return;
  if (scroll.path !== path) scroll = { path, y: 0 };
  paintedAt = Date.now();
  paintedMarkup = markup;
  painting = { frame: back, path, timer: setTimeout(() => ready({ empty: !frontShows, height: 0 }), READY_WITHIN_MS) };
  back.srcdoc = markup;
}

function ready({ empty, height }) {
  const { frame, path, timer: limit } = painting;
  clearTimeout(limit);
  painting = null;
  // Nothing on it yet (still in <head>): the last good paint stays.
  if (!empty) show(frame);
  tell("painted", { path, empty, height, paints });
  if (wanted) schedule();
}

function show(frame) {
  frame.contentWindow.postMessage({ type: "scroll-to", y: scroll.y }, "*");
  frame.classList.add("front");
  front?.classList.remove("front");
  back = front ?? second;
  front = frame;
  frontShows = true;
  paints += 1;
  waiting.hidden = true;
  waiting.style.display = "none";
}

preludeLoads.finally(() => tell("ready"));

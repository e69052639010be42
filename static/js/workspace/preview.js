/* The stage's preview. Three frames, all on the sites' own hosts and sandboxed:
   stored: a version from its own address, byte for byte what is published or downloaded;
   live:   paints a run while it streams; on top only while it has something to show;
   check:  out of sight, the version with our probe, which reports errors, emptiness and links. */

import { emit, on } from "./bus.js";
import { config, say } from "./config.js";
import { showVersion, shownVersion } from "./site.js";

const SANDBOX = "allow-scripts allow-forms allow-popups allow-modals allow-downloads";
const CHECK_SANDBOX = "allow-scripts allow-forms";
const CHECK_FOR_MS = 4000;
// A page that never loads (an image that hangs) is shown all the same.
const SHOW_WITHIN_MS = 3000;

class Stage {
  constructor(root) {
    this.root = root;
    this.frames = root.querySelector("[data-preview-frames]");
    this.empty = root.querySelector("[data-preview-empty]");
    this.line = root.querySelector("[data-preview-status]");
    this.note = root.querySelector("[data-stage-note]");
    this.stored = this.frames.querySelector("[data-stored-frame]");
    this.live = null;
    this.liveReady = false;
    this.check = null;
    this.wanted = null;
    this.page = "index.html";
  }

  frame(sandbox, title) {
    const frame = document.createElement("iframe");
    frame.className = "preview-frame";
    frame.setAttribute("sandbox", sandbox);
    frame.title = title;
    return frame;
  }

  /** A new element each time: changing `src` would fill the history with previews. */
  showStored(url) {
    const next = this.frame(SANDBOX, say("previewTitle"));
    next.dataset.storedFrame = "";
    wait(next, true);
    const previous = this.stored;
    let shown = false;
    const show = () => {
      if (shown) return;
      shown = true;
      wait(next, false);
      previous?.remove();
      this.dropLive();
      this.empty.hidden = true;
    };
    next.addEventListener("load", show, { once: true });
    setTimeout(show, SHOW_WITHIN_MS);
    next.src = url;
    this.stored = next;
    this.frames.append(next);
  }

  startLive() {
    if (this.live) return;
    this.liveReady = false;
    this.live = this.frame(SANDBOX, say("previewTitle"));
    this.live.dataset.liveFrame = "";
    wait(this.live, true);
    this.live.src = config.liveFrameUrl;
    this.frames.append(this.live);
  }

  paint(files, path) {
    if (/\.html?$/i.test(path)) this.page = path;
    this.wanted = { type: "sitewright:paint", files: Object.fromEntries(files), path: this.page, complete: false };
    this.postPaint();
  }

  postPaint() {
    // The frame's origin is opaque, so there is no origin to name; what is sent is the site's own.
    if (this.live && this.liveReady && this.wanted) this.live.contentWindow.postMessage(this.wanted, "*");
  }

  dropLive() {
    this.live?.remove();
    this.live = null;
    this.wanted = null;
  }

  fromLive(data) {
    if (data.type === "sitewright:ready") {
      this.liveReady = true;
      this.postPaint();
    } else if (data.type === "sitewright:painted" && data.empty !== true) {
      wait(this.live, false);
      this.empty.hidden = true;
      this.note.textContent = say("liveNote");
    } else if (data.type === "sitewright:navigated" && typeof data.path === "string") {
      this.page = data.path;
      emit("page:shown", { path: data.path });
    }
  }

  startCheck(version) {
    this.check?.remove();
    this.report({});
    this.line.textContent = say("checking");
    const frame = this.frame(CHECK_SANDBOX, "");
    frame.classList.add("is-check");
    frame.tabIndex = -1;
    frame.inert = true;
    frame.setAttribute("aria-hidden", "true");
    frame.dataset.checkFrame = "";
    frame.src = version.checkUrl;
    this.check = frame;
    this.root.append(frame);
    frame.addEventListener("load", () => {
      // Once it has said what there is to say it only costs time: animations run in it too.
      setTimeout(() => {
        frame.remove();
        if (this.check === frame) this.check = null;
      }, CHECK_FOR_MS);
    });
  }

  fromCheck(data) {
    if (data.type !== "sitewright:check" || !Number.isInteger(data.count)) return;
    this.report(data);
  }

  report({ count, errors = [], links = [], empty = false }) {
    this.line.replaceChildren();
    this.line.dataset.tone = empty || count ? "warn" : "";
    if (count === undefined) return;
    const known = new Set(shownVersion()?.files.map((file) => file.path) ?? []);
    const dead = (Array.isArray(links) ? links : []).filter((path) => !leadsSomewhere(path, known));
    const parts = [count ? say("consoleSome", { count }) : say("consoleNone")];
    parts.push(dead.length ? say("linksDead", { paths: dead.slice(0, 3).join(", ") }) : say("linksOk"));
    this.line.append(parts.join(" · "));
    if (count && Array.isArray(errors)) this.line.append(errorList(errors));
    if (empty) this.line.prepend(`${say("emptyPage")} · `);
  }
}

/** A frame that waits is drawn, but neither seen nor reached by Tab. */
function wait(frame, waits) {
  frame.classList.toggle("is-waiting", waits);
  frame.inert = waits;
}

function leadsSomewhere(path, known) {
  if (typeof path !== "string") return true;
  let file;
  try {
    file = decodeURIComponent(path.slice(1));
  } catch {
    return false;
  }
  if (file === "" || file.endsWith("/")) file += "index.html";
  return known.has(file) || known.has(`${file}/index.html`);
}

function errorList(errors) {
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  summary.textContent = String(errors[0] ?? "").slice(0, 120);
  const list = document.createElement("ul");
  for (const text of errors.slice(0, 20)) {
    const item = document.createElement("li");
    item.textContent = String(text).slice(0, 300);
    list.append(item);
  }
  details.append(summary, list);
  return details;
}

function startWidths(root, stage) {
  const buttons = [...root.ownerDocument.querySelectorAll("[data-width]")];
  const pane = root.querySelector("[data-preview-scroll]");
  let width = 0;

  function fit() {
    const style = stage.frames.style;
    if (!width) {
      style.width = style.height = style.transform = "";
      return;
    }
    const scale = Math.min(1, pane.clientWidth / width);
    style.width = `${width}px`;
    style.height = `${pane.clientHeight / scale}px`;
    style.transform = scale < 1 ? `scale(${scale})` : "";
  }

  for (const button of buttons) {
    button.addEventListener("click", () => {
      width = width === Number(button.dataset.width) ? 0 : Number(button.dataset.width);
      for (const other of buttons) {
        other.setAttribute("aria-pressed", String(Number(other.dataset.width) === width));
      }
      pane.dataset.fixed = width ? "true" : "";
      fit();
    });
  }
  new ResizeObserver(fit).observe(pane);
}

export function startPreview(root) {
  const stage = new Stage(root);
  startWidths(root, stage);

  window.addEventListener("message", (event) => {
    if (!event.data || typeof event.data !== "object") return;
    if (stage.live && event.source === stage.live.contentWindow) stage.fromLive(event.data);
    else if (stage.check && event.source === stage.check.contentWindow) stage.fromCheck(event.data);
  });

  on("run:live", () => {
    stage.page = "index.html";
    stage.startLive();
  });
  on("site:files", ({ files, path }) => {
    if (stage.live) stage.paint(files, path);
    if (stage.stored && stage.live?.classList.contains("is-waiting")) {
      stage.note.textContent = say("draftNote");
    }
  });
  on("version:shown", ({ version, latest, first }) => {
    stage.note.textContent = version.number < latest ? say("olderNote", { version: version.number }) : "";
    if (!first) stage.showStored(version.previewUrl);
    stage.startCheck(version);
  });
  on("version:kept", () => {
    stage.note.textContent = "";
    stage.dropLive();
    stage.empty.hidden = Boolean(stage.stored);
  });
  // Links to previews last a day or two: a reload asks for a fresh one.
  document.querySelector("[data-reload]").addEventListener("click", () => {
    const version = shownVersion();
    if (version) showVersion(version.number).catch(() => stage.showStored(version.previewUrl));
  });
}

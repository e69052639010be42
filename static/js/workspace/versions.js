/* The history menu: every version with what it was, one click to look, one to bring it back. */

import { hangAt } from "./anchor.js";
import { api } from "./api.js";
import { on } from "./bus.js";
import { config, say } from "./config.js";
import { showVersion, shownVersion } from "./site.js";

const ORIGINS = { run: "originRun", hand: "originHand", restore: "originRestore" };

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function row(version, latest) {
  const item = element("div", "version-row");
  item.append(element("span", "version-number", `v${version.number}`));
  const words = element("div");
  const head = element("p", "", version.summary || say(ORIGINS[version.origin] ?? "originRun"));
  if (version.number === latest) head.append(" ", element("span", "tag tag-accent", say("current")));
  else if (version.number === shownVersion()?.number) head.append(" ", element("span", "tag", say("shown")));
  const when = element("time", "", new Date(version.createdAt).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" }));
  when.dateTime = version.createdAt;
  const about = element("p", "quiet");
  about.append(when, ` · ${say(ORIGINS[version.origin] ?? "originRun")}`);
  words.append(head, about);
  const actions = element("div", "version-actions");
  actions.append(action("open", version.number));
  if (version.number !== latest) actions.append(action("restore", version.number));
  item.append(words, actions);
  return item;
}

function action(name, number) {
  const button = element("button", `btn btn-sm ${name === "open" ? "btn-quiet" : "btn-secondary"}`, say(name));
  button.type = "button";
  button.dataset[name === "open" ? "openVersion" : "restoreVersion"] = String(number);
  const which = element("span", "visually-hidden", ` v${number}`);
  button.append(which);
  return button;
}

export function startVersions(root) {
  const menu = root.querySelector("[data-versions]");
  const list = menu.querySelector("[data-versions-list]");
  const label = document.querySelector("[data-version-label]");
  const tools = document.querySelector("[data-site-tools]");
  const zip = document.querySelector("[data-zip]");
  const open = document.querySelector("[data-open-preview]");

  hangAt(menu, document.querySelector("[data-versions-open]"));

  function problem(text) {
    const line = element("p", "small", text);
    line.setAttribute("role", "alert");
    list.prepend(line);
  }

  async function load() {
    try {
      const { versions } = await api(`${config.apiUrl}/versions`);
      // Another tab or the API may have made newer ones than this page knows of.
      const latest = versions[0]?.number ?? 0;
      list.replaceChildren(...versions.map((version) => row(version, latest)));
    } catch {
      list.replaceChildren();
      problem(say("versionsFailed"));
    }
  }

  async function restore(number) {
    try {
      const version = await api(`${config.apiUrl}/versions/${number}/restore`, { method: "POST" });
      await showVersion(version.number);
      menu.hidePopover();
    } catch (error) {
      problem(error.message || say("restoreFailed"));
    }
  }

  menu.addEventListener("toggle", (event) => {
    if (event.newState === "open") load();
  });
  document.addEventListener("click", async (event) => {
    const shows = event.target.closest("[data-open-version]");
    const restores = event.target.closest("[data-restore-version]");
    if (shows) {
      event.preventDefault();
      await showVersion(Number(shows.dataset.openVersion)).catch(() => problem(say("versionsFailed")));
      menu.hidePopover();
    } else if (restores) {
      await restore(Number(restores.dataset.restoreVersion));
    }
  });
  on("version:shown", ({ version }) => {
    tools.hidden = false;
    label.textContent = `v${version.number}`;
    zip.href = `versions/${version.number}.zip`;
    open.href = version.previewUrl;
  });
}

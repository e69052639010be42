/* Pictures attached to the next request: uploaded as soon as they are chosen, kept in this tab until
   they were sent. While there are any, only models that see can be chosen (models.js). */

import { startTray } from "../tray.js";
import { csrfToken } from "./api.js";
import { emit, on } from "./bus.js";
import { config, say } from "./config.js";
import { smallEnough } from "./shrink.js";

const KEPT_KEY = `pictures:${config.siteId}`;
const uploads = new Map();
let tray = null;
let failures = 0;

/** The ids of what is attached, in order. */
export function attachedIds() {
  return tray.items().flatMap((item) => item.dataset.picture ?? []);
}

/** Waits for uploads under way; false if one of them failed meanwhile. */
export async function uploadsDone() {
  const before = failures;
  await Promise.allSettled([...uploads.values()].map(({ done }) => done));
  return failures === before;
}

/** Forgets what was attached: it was sent. */
export function clearPictures() {
  for (const item of tray.items()) tray.drop(item);
  tray.say("");
  changed();
}

/** Attaches pictures the site has already: [{id, name}]. */
export function attachStored(pictures) {
  const known = new Set(attachedIds());
  for (const { id, name } of pictures) {
    if (known.has(id) || tray.items().length >= config.picturesMost) continue;
    const url = `${config.apiUrl}/pictures/${id}`;
    settle(tray.add({ name, url, label: say("pictureRemove", { name }) }), id, name);
  }
  changed();
}

export function startPictures(root) {
  tray = startTray(root.querySelector("[data-composer]"), { onFiles: take, onRemove: forget });
  if (tray.items().length) changed();
  else attachStored(kept());
}

function take(files) {
  tray.input.value = "";
  tray.say("");
  for (const file of files) attach(file);
}

async function attach(file) {
  const name = file.name || "picture.png";
  if (tray.items().length >= config.picturesMost) {
    tray.say(say("picturesMost", { most: config.picturesMost }));
    return;
  }
  const item = tray.add({ name, url: URL.createObjectURL(file), label: say("pictureRemove", { name }) });
  item.classList.add("is-uploading");
  const progress = item.querySelector("progress");
  progress.hidden = false;
  progress.setAttribute("aria-label", say("pictureUploading", { name }));
  const upload = new Upload(name, progress);
  uploads.set(item, upload);
  changed();
  try {
    const picture = await upload.start(file);
    if (attachedIds().includes(picture.id)) tray.drop(item);
    else settle(item, picture.id, picture.name);
    emit("announce", { text: say("pictureAttached", { name }) });
  } catch (problem) {
    if (problem !== "aborted") {
      failures += 1;
      tray.drop(item);
      tray.say(problem);
    }
  } finally {
    uploads.delete(item);
    changed();
  }
}

function settle(item, id, name) {
  item.classList.remove("is-uploading");
  item.querySelector("progress").hidden = true;
  item.dataset.picture = id;
  item.dataset.name = name;
  const carried = item.querySelector("input[name=images]");
  carried.value = id;
  carried.disabled = false;
}

function forget(item) {
  uploads.get(item)?.abort();
  delete item.dataset.picture;
  tray.say("");
  // After the tray has let go of it.
  queueMicrotask(changed);
}

function changed() {
  const settled = tray.items().filter((item) => item.dataset.picture);
  const list = settled.map((item) => ({ id: item.dataset.picture, name: item.dataset.name }));
  try {
    if (list.length) sessionStorage.setItem(KEPT_KEY, JSON.stringify(list));
    else sessionStorage.removeItem(KEPT_KEY);
  } catch {
    // storage is blocked: they live in the tray only
  }
  emit("pictures", { count: tray.items().length });
}

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT_KEY) ?? "[]");
  } catch {
    return [];
  }
}

/** One file on its way. Not fetch(), which tells nothing of how far it is. */
class Upload {
  constructor(name, progress) {
    this.name = name;
    this.progress = progress;
    this.request = new XMLHttpRequest();
    this.done = Promise.resolve();
  }

  start(file) {
    this.done = this.send(file);
    return this.done;
  }

  async send(file) {
    const data = await smallEnough(file, config.uploadMaxBytes);
    if (config.uploadMaxBytes && data.size > config.uploadMaxBytes) {
      const most = Math.round((config.uploadMaxBytes / 1024 ** 2) * 10) / 10;
      throw say("pictureTooLarge", { name: this.name, most });
    }
    return this.post(data);
  }

  post(data) {
    const { request } = this;
    return new Promise((resolve, reject) => {
      request.upload.onprogress = (event) => {
        if (event.lengthComputable) this.progress.value = event.loaded / event.total;
      };
      request.onabort = () => reject("aborted");
      request.onerror = () => reject(say("pictureFailed", { name: this.name }));
      request.onload = () => {
        const answer = request.response ?? {};
        if (request.status === 201) resolve(answer);
        else if (answer.detail) reject(`${this.name}: ${answer.detail}`);
        else reject(say("pictureFailed", { name: this.name }));
      };
      const form = new FormData();
      form.append("file", data, this.name);
      request.open("POST", `${config.apiUrl}/pictures`);
      request.responseType = "json";
      request.setRequestHeader("Accept", "application/json");
      request.setRequestHeader("X-CSRFToken", csrfToken());
      request.send(form);
    });
  }

  abort() {
    this.request.abort();
  }
}

on("pictures:again", ({ pictures }) => attachStored(pictures));

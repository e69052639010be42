/* Pictures in the form that makes a new site: shown as thumbnails, sent with the form as files. */

import { KINDS, startTray } from "./tray.js";

const MOST = 4;
const MOST_BYTES = 5 * 1024 * 1024;

function start(form) {
  const files = new Map();
  const tray = startTray(form, {
    onFiles(chosen) {
      tray.say("");
      for (const file of chosen) add(file);
      keep();
    },
    onRemove(item) {
      files.delete(item);
      keep();
    },
  });

  function add(file) {
    const say = (text) => tray.say(text.replace("{name}", file.name).replace("{most}", text === tray.words.large ? MOST_BYTES / 1024 ** 2 : MOST));
    if (files.size >= MOST) return say(tray.words.most);
    if (!KINDS.includes(file.type)) return say(tray.words.kind);
    if (file.size > MOST_BYTES) return say(tray.words.large);
    const label = tray.words.remove.replace("{name}", file.name);
    files.set(tray.add({ name: file.name, url: URL.createObjectURL(file), label }), file);
    return undefined;
  }

  /** The input holds exactly what is shown, wherever it came from. */
  function keep() {
    const held = new DataTransfer();
    for (const file of files.values()) held.items.add(file);
    tray.input.files = held.files;
  }
}

for (const form of document.querySelectorAll("[data-attach-form]")) start(form);

/* What the page was rendered with, and the sentences of its language. */

function read(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

export const config = read("workspace-config");
const strings = read("workspace-strings");

/** The sentence of `key` with its {places} filled. */
export function say(key, values = {}) {
  return (strings[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) =>
    name in values ? String(values[name]) : whole,
  );
}

/** 12345 → 12,345, grouped by three in every language, as on the pages. */
export function grouped(number) {
  return Math.round(number).toString().replace(/\B(?=(\d{3})+$)/g, ",");
}

/* The site's name is edited in place: saved when left or on Enter, Escape takes it back. */

import { api } from "./api.js";
import { config } from "./config.js";

export function startName() {
  const form = document.querySelector("[data-name-form]");
  const input = form.elements.name;
  let saved = input.value;

  async function save() {
    const name = input.value.trim();
    if (!name || name === saved) {
      input.value = saved;
      return;
    }
    try {
      const site = await api(config.apiUrl, { method: "PATCH", body: { name } });
      saved = site.name;
      document.title = document.title.replace(/^.* · /, `${site.name} · `);
    } catch (error) {
      input.setCustomValidity(error.message);
      input.reportValidity();
    }
    input.value = saved;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    input.blur();
  });
  input.addEventListener("blur", save);
  input.addEventListener("input", () => input.setCustomValidity(""));
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    input.value = saved;
    input.blur();
  });
}

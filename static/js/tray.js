/* The tray of attached pictures and the three ways into it: the button, paste, drop. What becomes
   of a file is its owner's business (`onFiles`); this only shows. */

export const KINDS = ["image/png", "image/jpeg", "image/webp"];

export function startTray(form, { onFiles, onRemove }) {
  const tray = form.querySelector("[data-tray]");
  const template = form.querySelector("[data-tray-template]");
  const error = form.querySelector("[data-tray-error]");
  const box = form.querySelector("[data-drop]");
  const input = form.querySelector("[data-attach]");
  const field = form.querySelector("textarea");

  function take(files) {
    if (files.length) onFiles([...files]);
  }

  input.addEventListener("change", () => {
    take(input.files);
  });
  field.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith("image/"));
    // A spreadsheet's cells come as text and as a picture of it: the text is meant.
    if (!files.length || event.clipboardData.types.includes("text/plain")) return;
    event.preventDefault();
    take(files);
  });
  startDrop(box, take);

  tray.addEventListener("click", (event) => {
    const button = event.target.closest("[data-tray-remove]");
    if (!button) return;
    const item = button.closest("li");
    const next = item.nextElementSibling ?? item.previousElementSibling;
    onRemove(item);
    drop(item);
    (next?.querySelector("[data-tray-remove]") ?? field).focus();
  });

  function drop(item) {
    const image = item.querySelector("img");
    if (image.src.startsWith("blob:")) URL.revokeObjectURL(image.src);
    item.remove();
    tray.hidden = !tray.children.length;
  }

  return {
    items: () => [...tray.children],
    drop,
    /** A new thumbnail; `url` may be a blob's. */
    add({ name, url, label }) {
      const item = template.content.firstElementChild.cloneNode(true);
      const image = item.querySelector("img");
      image.src = url;
      image.alt = name;
      image.title = name;
      item.dataset.name = name;
      item.querySelector("[data-tray-remove] .visually-hidden").textContent = label;
      item.querySelector("progress").hidden = true;
      tray.append(item);
      tray.hidden = false;
      return item;
    },
    say(text) {
      error.textContent = text;
      error.hidden = !text;
    },
    words: error.dataset,
    input,
  };
}

function startDrop(box, take) {
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  const zone = box.closest("[data-pane], form");
  let depth = 0;

  function mark(on) {
    box.toggleAttribute("data-dropping", on);
    if (!on) depth = 0;
  }

  // A file dropped beside the box must not replace the page by itself.
  for (const name of ["dragover", "drop"]) {
    document.addEventListener(name, (event) => {
      if (carriesFiles(event) && !event.target.closest?.("input[type=file]")) event.preventDefault();
    });
  }
  zone.addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    depth += 1;
    mark(true);
  });
  zone.addEventListener("dragleave", (event) => {
    if (!carriesFiles(event)) return;
    depth -= 1;
    if (depth <= 0) mark(false);
  });
  zone.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    mark(false);
    take(event.dataTransfer.files);
  });
}

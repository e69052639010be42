/* Sends a request without leaving the page. One key per rendered or sent form makes a double click
   one run; the text is kept in this tab until it was accepted. */

import { api, ApiError } from "./api.js";
import { emit, on } from "./bus.js";
import { config, grouped, say } from "./config.js";
import { isTyping } from "./keys.js";
import { chooseModel, modelName } from "./models.js";
import { attachedIds, clearPictures, uploadsDone } from "./pictures.js";

const DRAFT_KEY = `draft:${config.siteId}`;

function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
}

const draft = {
  read() {
    try {
      return sessionStorage.getItem(DRAFT_KEY) ?? "";
    } catch {
      return "";
    }
  },
  write(text) {
    try {
      if (text) sessionStorage.setItem(DRAFT_KEY, text);
      else sessionStorage.removeItem(DRAFT_KEY);
    } catch {
      // storage is blocked: the text lives in the field only
    }
  },
};

export function startComposer(root) {
  const form = root.querySelector("[data-composer]");
  const field = form.elements.prompt;
  const key = form.elements.idempotency_key;
  const send = form.querySelector("[data-send]");
  const stop = form.querySelector("[data-stop]");
  const conversation = root.querySelector("[data-conversation]");
  let sending = false;

  if (!/mac|iphone|ipad/i.test(navigator.platform)) form.querySelector("kbd").textContent = "Ctrl ↵";
  if (!field.value) field.value = draft.read();
  field.addEventListener("input", () => draft.write(field.value));
  // From anywhere on the page, as the key on the button says, but not out of another field.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.metaKey || event.ctrlKey) || event.isComposing) return;
    if (event.target !== field && (isTyping(event.target) || document.querySelector("dialog[open]"))) return;
    event.preventDefault();
    form.requestSubmit();
  });

  function refuse(error) {
    conversation.querySelector("[data-refusal]")?.remove();
    const card = error.status === 402 ? shortCard(error.problem) : noticeCard(error);
    card.dataset.refusal = "";
    conversation.append(card);
    emit("conversation:grown");
  }

  function shortCard(problem) {
    const card = notice("warning", say("shortTitle"));
    const amounts = { required: grouped(problem.required ?? 0), available: grouped(problem.available ?? 0) };
    card.body.append(paragraph(`${say("shortText", amounts)} ${say("notCharged")}`));
    const models = problem.affordableModels ?? [];
    if (models.length) {
      card.body.append(paragraph(say("shortModels")));
      const list = document.createElement("div");
      list.className = "notice-models";
      for (const slug of models.slice(0, 6)) {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "btn btn-secondary btn-sm";
        button.textContent = modelName(slug);
        button.addEventListener("click", () => {
          chooseModel(slug);
          card.element.remove();
          field.focus();
        });
        list.append(button);
      }
      card.body.append(list);
    }
    const link = document.createElement("a");
    link.className = "btn btn-primary btn-sm";
    link.href = problem.upgradeUrl ?? "/pricing/";
    link.textContent = say("shortUpgrade");
    const next = document.createElement("p");
    next.className = "notice-next";
    next.append(link);
    card.body.append(next);
    return card.element;
  }

  function noticeCard(error) {
    const known = error instanceof ApiError && error.message;
    const card = notice("error", say("notSent"));
    card.body.append(paragraph(known ? error.message : say("sendFailed")));
    return card.element;
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const prompt = field.value.trim();
    const model = new FormData(form).get("model");
    if (!prompt || !model || sending || form.dataset.running !== undefined) return;
    sending = true;
    const byKey = send.matches(":focus-visible");
    send.disabled = true;
    try {
      // What an upload says of its failure stands beside the thumbnails: look before sending.
      if (!(await uploadsDone())) return;
      const { run } = await api(`${config.apiUrl}/runs`, {
        method: "POST",
        body: {
          prompt,
          model: new FormData(form).get("model") ?? model,
          allowFallback: form.elements.allow_fallback.checked,
          images: attachedIds(),
        },
        headers: { "Idempotency-Key": key.value },
      });
      key.value = newKey();
      clearPictures();
      field.value = "";
      field.dispatchEvent(new Event("input", { bubbles: true }));
      conversation.querySelector("[data-refusal]")?.remove();
      emit("run:started", { run });
    } catch (error) {
      // The key stays: if the request did arrive, sending again is the same run.
      if (error instanceof ApiError && error.status !== 503) key.value = newKey();
      refuse(error);
    } finally {
      sending = false;
      send.disabled = form.dataset.running !== undefined;
      // A disabled button drops the focus. Not to Stop: a second Enter would press it.
      if (byKey && [document.body, send].includes(document.activeElement)) {
        (send.disabled ? field : send).focus();
      }
    }
  });

  function running(isRunning) {
    if (isRunning) form.dataset.running = "";
    else delete form.dataset.running;
    const byKey = (isRunning ? send : stop).matches(":focus-visible");
    stop.hidden = !isRunning;
    stop.removeAttribute("aria-disabled");
    send.hidden = isRunning;
    send.disabled = isRunning || sending;
    if (byKey) field.focus();
  }

  stop.addEventListener("click", () => emit("stop"));
  // Not `disabled`, which would drop the focus in the middle of the page.
  on("stop:sent", () => stop.setAttribute("aria-disabled", "true"));
  on("stop:failed", () => stop.removeAttribute("aria-disabled"));
  on("run:live", () => {
    running(true);
    field.placeholder = field.dataset.nextPlaceholder;
    emit("balance");
  });
  on("run:ended", () => {
    running(false);
    emit("balance");
  });
  conversation.addEventListener("click", (event) => {
    const again = event.target.closest("[data-ask-again]");
    if (!again) return;
    const turn = again.closest("[data-run]");
    field.value = turn.querySelector(".turn-prompt").textContent;
    const sent = [...turn.querySelectorAll("[data-sent-picture]")];
    emit("pictures:again", { pictures: sent.map(({ dataset }) => ({ id: dataset.sentPicture, name: dataset.name })) });
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  });
}

function notice(tone, title) {
  const element = document.createElement("div");
  element.className = `notice notice-${tone}`;
  element.setAttribute("role", "alert");
  const body = document.createElement("div");
  body.className = "notice-body";
  const head = paragraph(title);
  head.className = "notice-title";
  body.append(head);
  element.append(body);
  return { element, body };
}

function paragraph(text) {
  const element = document.createElement("p");
  element.textContent = text;
  return element;
}

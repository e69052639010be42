/* The price before sending: asked for a moment after typing stops, the newest question wins. */

import { api } from "./api.js";
import { on } from "./bus.js";
import { config, grouped, say } from "./config.js";
import { attachedIds } from "./pictures.js";

const AFTER_TYPING_MS = 400;

export function startEstimate(root) {
  const line = root.querySelector("[data-estimate]");
  const form = root.querySelector("[data-composer]");
  let timer = 0;
  let running = null;

  function write(text, tone = "") {
    line.textContent = text;
    line.dataset.tone = tone;
  }

  function sentence(estimate) {
    if (!estimate.affordable) {
      return say("estimateShort", { required: grouped(estimate.required ?? estimate.low) });
    }
    const amounts = {
      low: grouped(estimate.low),
      high: grouped(estimate.high),
      ceiling: grouped(estimate.ceiling),
    };
    const pockets = estimate.pockets.map(({ kind }) => say(`pocket_${kind}`)).join(" + ");
    const range = say("estimateRange", amounts);
    return pockets ? `${range} · ${say("estimateFrom", { pockets })}` : range;
  }

  async function ask() {
    const prompt = form.elements.prompt.value.trim();
    const model = new FormData(form).get("model");
    running?.abort();
    if (!prompt || !model) {
      write(say("estimateIdle"));
      return;
    }
    running = new AbortController();
    try {
      const body = { model, prompt, siteId: config.siteId, images: attachedIds() };
      const estimate = await api("/api/estimates", { method: "POST", body, signal: running.signal });
      write(sentence(estimate), estimate.affordable ? "" : "warn");
    } catch (error) {
      if (error.name === "AbortError") return;
      write(error.message && error.status ? error.message : say("estimateFailed"), "warn");
    }
  }

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(ask, AFTER_TYPING_MS);
  }

  form.elements.prompt.addEventListener("input", soon);
  on("model", soon);
  on("pictures", soon);
  on("run:ended", soon);
  soon();
}

/* The conversation: follows the runs that are live, fills their line of progress, and puts the
   server's final fragment in their place when they end. */

import { api, fragment } from "./api.js";
import { emit, on } from "./bus.js";
import { config, grouped, say } from "./config.js";
import { ReplyFiles } from "./reply-files.js";
import { followRun } from "./stream.js";

const FILES_EVERY_MS = 200;
const STALL_AFTER_SECONDS = 15;
const LONG_QUEUE_AFTER_SECONDS = 8;
const FRAGMENT_TRIES = 4;

class LiveRun {
  constructor(article) {
    this.article = article;
    this.id = article.dataset.run;
    this.reply = new ReplyFiles();
    this.state = article.dataset.state;
    this.since = Date.now();
    this.lastText = Date.now();
    this.seconds = 0;
    this.secondsAt = Date.now();
    this.connected = true;
    this.stopping = false;
    this.moved = "";
    this.timer = 0;
    this.note = this.part("note");
    this.clock = setInterval(() => this.tick(), 1000);
    this.unfollow = followRun(article.dataset.events, {
      onText: (text) => this.text(text),
      onEvent: (name, data) => this[name](data),
      onConnection: (connected) => {
        this.connected = connected;
        this.tick();
      },
    });
    emit("run:live", { runId: this.id });
  }

  part(name) {
    return this.article.querySelector(`[data-run-${name}]`);
  }

  text(text) {
    this.lastText = Date.now();
    this.reply.feed(text);
    if (!this.timer) {
      this.timer = setTimeout(() => {
        this.timer = 0;
        this.tellFiles();
      }, FILES_EVERY_MS);
    }
  }

  tellFiles() {
    emit("run:files", { runId: this.id, reply: this.reply, path: this.reply.path });
  }

  status(data) {
    this.state = data.state;
    // Said while somebody else is asked, and no longer once there is an answer.
    this.moved = data.note ?? "";
    this.seconds = data.seconds;
    this.secondsAt = Date.now();
    if (data.tokensSoFar !== undefined) {
      this.part("bar").max = data.ceiling;
      this.part("bar").value = data.tokensSoFar;
      this.part("tokens").textContent = say("tokensSoFar", {
        tokens: grouped(data.tokensSoFar),
        ceiling: grouped(data.ceiling),
      });
    }
    this.tick();
  }

  file({ path, complete }) {
    const list = this.part("files");
    let item = [...list.children].find((child) => child.dataset.path === path);
    if (!item) {
      item = document.createElement("li");
      item.dataset.path = path;
      item.textContent = path;
      list.append(item);
    }
    item.className = complete ? "is-done" : "is-writing";
  }

  receipt() {
    // The final fragment shows it.
  }

  async done(data) {
    clearInterval(this.clock);
    clearTimeout(this.timer);
    this.reply.feed("\n");
    this.tellFiles();
    emit("run:ended", { runId: this.id, state: data.state, version: data.version });
    const final = await this.fetchFinal();
    if (final) this.article.replaceWith(final);
    emit("conversation:grown");
  }

  async fetchFinal() {
    for (let attempt = 0; attempt < FRAGMENT_TRIES; attempt += 1) {
      const final = await fragment(`runs/${this.id}/`).catch(() => null);
      if (final && !["queued", "running"].includes(final.dataset.state)) return final;
      await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** attempt));
    }
    return null;
  }

  tick() {
    const running = this.state === "running";
    const word = this.stopping ? "stopping" : running && !this.reply.path ? "connecting" : this.state;
    const label = this.part("state").firstElementChild;
    if (label && label.textContent !== say(word)) label.textContent = say(word);
    label?.classList.toggle("run-running", running);
    label?.classList.toggle("run-queued", !running);
    const seconds = Math.round(this.seconds + (Date.now() - this.secondsAt) / 1000);
    this.part("seconds").textContent = say("seconds", { seconds });
    this.say(this.warning());
  }

  warning() {
    if (!this.connected) return say("reconnecting");
    if (this.moved && this.state === "running") return this.moved;
    const silent = Math.round((Date.now() - this.lastText) / 1000);
    if (this.state === "running" && silent >= STALL_AFTER_SECONDS) return say("stalled", { seconds: silent });
    const waited = (Date.now() - this.since) / 1000;
    if (this.state === "queued" && waited >= LONG_QUEUE_AFTER_SECONDS) return say("longQueue");
    return "";
  }

  say(text) {
    if (this.note.textContent !== text) this.note.textContent = text;
    this.note.hidden = !text;
  }

  async stop() {
    if (this.stopping) return;
    this.stopping = true;
    emit("stop:sent");
    this.tick();
    try {
      await api(this.article.dataset.cancel, { method: "POST" });
    } catch {
      this.stopping = false;
      emit("stop:failed");
      this.tick();
    }
  }
}

export function startConversation(root) {
  const list = root.querySelector("[data-conversation]");
  const live = new Map();

  function follow(article) {
    if (!live.has(article.dataset.run)) live.set(article.dataset.run, new LiveRun(article));
  }

  on("run:started", async ({ run }) => {
    list.querySelector("[data-first-ask]")?.remove();
    const known = list.querySelector(`[data-run="${run.id}"]`);
    const article = known ?? (await fragment(`runs/${run.id}/`));
    if (!article) return;
    if (!known) list.append(article);
    emit("conversation:grown");
    if (article.querySelector("[data-run-bar]")) follow(article);
    // So quick that it was over before we looked.
    else emit("run:ended", { runId: run.id, state: article.dataset.state, version: Number(article.dataset.version) || null });
  });
  on("run:ended", ({ runId }) => live.delete(runId));
  on("stop", () => {
    for (const run of live.values()) run.stop();
  });

  for (const id of config.liveRunIds) {
    const article = list.querySelector(`[data-run="${id}"]`);
    if (article) follow(article);
  }
  stickToEnd(list);
}

/** Keeps the end in sight when something is added or the composer grows, unless read further up. */
function stickToEnd(list) {
  let atEnd = true;
  const toEnd = () => {
    list.scrollTop = list.scrollHeight;
  };
  list.addEventListener("scroll", () => {
    atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 24;
  });
  new ResizeObserver(() => atEnd && toEnd()).observe(list);
  on("conversation:grown", toEnd);
  toEnd();
}

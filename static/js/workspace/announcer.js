/* One polite live region. Only turning points are said: a stream read aloud would be a chatter. */

import { say } from "./config.js";
import { on } from "./bus.js";

const SENTENCES = { succeeded: "announceDone", failed: "announceFailed", cancelled: "announceStopped" };

export function announceStart(root) {
  const region = root.querySelector("[data-announcer]");
  on("announce", ({ text }) => {
    region.textContent = text;
  });
  on("run:started", () => {
    region.textContent = say("announceStarted");
  });
  on("run:ended", ({ state, version }) => {
    if (SENTENCES[state]) region.textContent = say(SENTENCES[state], { version: version ?? "" });
  });
}

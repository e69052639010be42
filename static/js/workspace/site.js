/* Which version the stage shows, its files, and the files of a run over them. The server is the
   truth: when a run has ended its version is loaded anew. */

import { api } from "./api.js";
import { emit, on } from "./bus.js";
import { config } from "./config.js";

let shown = config.version;
let latest = config.version?.number ?? 0;
const contents = new Map();

export function shownVersion() {
  return shown;
}

/** Path → text of a stored version; loaded once. */
export async function contentOf(number) {
  if (!contents.has(number)) {
    const answer = await api(`${config.apiUrl}/versions/${number}/content`);
    contents.set(number, new Map(Object.entries(answer.files)));
  }
  return contents.get(number);
}

/** Path → address of the version's pictures, which are no text. */
export function picturesOf(version) {
  const found = version.files.filter(({ path }) => /^images\/[a-z0-9-]+\.(?:jpg|png)$/.test(path));
  return new Map(found.map(({ path }) => [path, `${config.apiUrl}/versions/${version.number}/files/${path}`]));
}

/** Loads version `number` and makes it the one that is shown. */
export async function showVersion(number) {
  shown = await api(`${config.apiUrl}/versions/${number}`);
  latest = Math.max(latest, number);
  emit("version:shown", { version: shown, latest });
  return shown;
}

export function startSite() {
  let base = new Map();

  on("run:live", async () => {
    base = new Map();
    if (!latest) return;
    base = await contentOf(latest).catch(() => new Map());
  });
  on("run:files", ({ runId, reply, path }) => {
    emit("site:files", { runId, files: reply.over(base), path });
  });
  on("run:ended", async ({ version }) => {
    if (!version) {
      emit("version:kept", { version: shown });
      return;
    }
    for (let attempt = 0; attempt < 3; attempt += 1) {
      try {
        await showVersion(version);
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 1000 * 2 ** attempt));
      }
    }
  });
  if (shown) emit("version:shown", { version: shown, latest, first: true });
}

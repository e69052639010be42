/* Reads a reply as it streams, for display only: which files it writes and how far it has got. What
   is stored is decided by the server's parser; after `done` the stored files are loaded. */

const NAME = /[\w\u00c0-\uffff][\w\u00c0-\uffff./@-]*\.(?:html?|css|m?js|json|svg|txt|md|xml|webmanifest|csv)\b/gi;
const FENCE = /^\s{0,3}(`{3,}|~{3,})\s*([^`]*)$/;
const SEARCH = /^<{5,9} ?SEARCH\s*$/;
const MIDDLE = /^={5,9}\s*$/;
const REPLACE = /^>{5,9} ?REPLACE\s*$/;
const PATH_LINE_MAX = 160;

export class ReplyFiles {
  constructor() {
    this.files = new Map();
    this.edits = [];
    this.path = "";
    this.tail = "";
    this.candidate = "";
    this.state = "outside";
    this.fence = "";
    this.lines = [];
    this.edit = null;
  }

  /** Takes the next piece of text. `files` then maps path → text so far. */
  feed(text) {
    const whole = this.tail + text;
    const lines = whole.split("\n");
    this.tail = lines.pop();
    for (const line of lines) this.line(line.replace(/\r$/, ""));
    if (this.state === "file") this.keep(this.mayEnd(this.tail) ? "" : this.tail);
  }

  line(line) {
    if (this.state === "file") this.inFile(line);
    else if (this.state === "search" || this.state === "replace") this.inEdit(line);
    else if (this.state === "between") this.betweenEdits(line);
    else this.outside(line);
  }

  outside(line) {
    if (SEARCH.test(line.trim())) {
      this.startEdit("");
      return;
    }
    const fence = FENCE.exec(line);
    if (fence) {
      this.open(fence[1], fence[2]);
      return;
    }
    if (/^\s*<!doctype html/i.test(line)) {
      this.start("index.html", "html");
      this.inFile(line);
      return;
    }
    const names = line.length <= PATH_LINE_MAX ? line.match(NAME) : null;
    if (names) this.candidate = names.at(-1).replace(/^\.?\//, "");
  }

  open(fence, info) {
    const named = info.match(NAME)?.at(-1);
    const path = named ?? this.candidate ?? "";
    this.fence = fence;
    if (path) this.start(path, "fence");
    else if (/html/i.test(info)) this.start("index.html", "fence");
    else this.start("", "fence");
  }

  start(path, until) {
    this.state = "file";
    this.until = until;
    this.path = path;
    this.lines = [];
    if (path) this.candidate = path;
  }

  inFile(line) {
    if (this.lines.length === 0 && SEARCH.test(line.trim())) {
      this.startEdit(this.fence);
      return;
    }
    const closes = this.until === "fence" && this.closes(line);
    if (!closes) this.lines.push(line);
    if (closes || (this.until === "html" && /<\/html>\s*$/i.test(line))) {
      this.keep("");
      this.state = "outside";
    }
  }

  closes(line) {
    const fence = FENCE.exec(line);
    return Boolean(fence) && fence[1][0] === this.fence[0] && fence[1].length >= this.fence.length && !fence[2].trim();
  }

  mayEnd(tail) {
    return this.until === "fence" && tail.trim() !== "" && this.fence.startsWith(tail.trim().slice(0, 3));
  }

  keep(tail) {
    if (!this.path) return;
    // Nothing yet, or the beginning of an edit's marker.
    if (this.lines.length === 0 && /^(?:<{1,9}(?: ?S\w*)?\s*)?$/.test(tail)) return;
    this.files.set(this.path, [...this.lines, ...(tail ? [tail] : [""])].join("\n"));
  }

  startEdit(fence) {
    this.state = "search";
    this.fence = fence;
    this.path = this.candidate;
    this.edit = { path: this.candidate, search: [], replace: [] };
  }

  inEdit(line) {
    if (this.state === "search" && MIDDLE.test(line)) {
      this.state = "replace";
    } else if (this.state === "replace" && REPLACE.test(line.trim())) {
      this.edits.push(this.edit);
      this.state = this.fence ? "between" : "outside";
    } else {
      this.edit[this.state].push(line);
    }
  }

  /** Inside a fence that holds edits: another one, or the fence's end. */
  betweenEdits(line) {
    if (SEARCH.test(line.trim())) this.startEdit(this.fence);
    else if (this.closes(line)) this.state = "outside";
  }

  /** The site as it would be: `base` with the whole files and the edits that fit exactly once. */
  over(base) {
    const files = new Map(base);
    for (const [path, text] of this.files) files.set(path, text);
    for (const { path, search, replace } of this.edits) {
      const text = files.get(path);
      const wanted = search.join("\n");
      if (text === undefined || !wanted) continue;
      const at = text.indexOf(wanted);
      if (at < 0 || text.indexOf(wanted, at + 1) >= 0) continue;
      files.set(path, text.slice(0, at) + replace.join("\n") + text.slice(at + wanted.length));
    }
    return files;
  }
}

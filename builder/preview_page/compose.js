/* One document out of the files of a site as far as they have come: its stylesheets inside it,
   its scripts left out, ours in front. */

// Until the rule that sizes it has come, a drawing would fill the page. Weighs nothing: any rule of
// the site wins.
const PARTIAL_STYLE = ":where(svg){max-width:min(100%,12rem);max-height:12rem}";
// Where the site's own stylesheet has not come yet, its words are at least readable.
const DRAFT_STYLE =
  "body{margin:0;padding:4vw;max-width:60rem;font:16px/1.6 system-ui,sans-serif}" +
  "nav a{margin-right:1em}img{max-width:min(100%,24rem);height:auto}";

// The same for the life of this page, so that equal sites give equal documents.
const nonce = crypto.getRandomValues(new Uint32Array(4)).join("");

const SCRIPT = /<script\b[^>]*>[\s\S]*?(?:<\/script\s*>|$)/gi;
const TAG = /<[a-z][^<>]*>/gi;
const HANDLER = /\son[a-z]+\s*=/gi;
const LINK = /<link\b[^>]*>/gi;
const BLOCKED = /<(?:base|meta\b[^>]*http-equiv\s*=\s*["']?(?:refresh|content-security-policy))[^>]*>/gi;
const IMAGE = /(<(?:img|source|image|use)\b[^>]*?\s(?:src|href|xlink:href)\s*=\s*["']?)([^"'\s>]+)/gi;
const HEAD = /<head(?:\s[^>]*)?>/i;
const HTML = /<html(?:\s[^>]*)?>/i;
const DOCTYPE = /^\s*<!doctype[^>]*>/i;

/** The page to show when none was asked for: index.html, else the first page there is. */
export function firstPage(files) {
  if (files.has("index.html")) return "index.html";
  return [...files.keys()].find((path) => /\.html?$/i.test(path)) ?? null;
}

/** What `reference`, written in the page at `path`, means inside the site; null if outside. */
export function resolve(reference, path) {
  if (/^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(reference)) return null;
  try {
    const url = new URL(reference, `http://site.invalid/${path}`);
    const found = decodeURIComponent(url.pathname.slice(1));
    return found === "" || found.endsWith("/") ? `${found}index.html` : found;
  } catch {
    return null;
  }
}

/** Markup for an iframe's srcdoc. `prelude` is the text of our script inside the page. */
export function compose(files, path, prelude, complete = false) {
  let markup = files.get(path) ?? "";
  if (!/\.html?$/i.test(path)) return null;
  markup = markup.replace(SCRIPT, "").replace(BLOCKED, "");
  markup = markup.replace(TAG, (tag) => tag.replace(HANDLER, " data-off="));
  let missing = false;
  markup = markup.replace(LINK, (tag) => {
    if (!/rel\s*=\s*["']?[^"'>]*stylesheet/i.test(tag)) return tag;
    const found = resolve(attribute(tag, "href"), path);
    if (found === null) return tag;
    if (!files.has(found)) missing = true;
    return styleElement(files.get(found) ?? "");
  });
  markup = markup.replace(IMAGE, (whole, before, reference) => {
    const found = resolve(reference, path);
    if (found === null || !/\.svg$/i.test(found) || !files.has(found)) return whole;
    return `${before}data:image/svg+xml,${encodeURIComponent(files.get(found))}`;
  });
  const style = (complete ? "" : PARTIAL_STYLE) + (missing ? DRAFT_STYLE : "");
  return withPrelude(markup, path, prelude, style);
}

function withPrelude(markup, path, prelude, style) {
  const ours =
    `<meta http-equiv="Content-Security-Policy" content="script-src 'nonce-${nonce}'; form-action 'none'">` +
    `<script nonce="${nonce}" data-path="${escaped(path)}">${prelude ?? ""}</script>` +
    styleElement(style);
  const place = HEAD.exec(markup) ?? HTML.exec(markup) ?? DOCTYPE.exec(markup);
  const at = place ? place.index + place[0].length : 0;
  return markup.slice(0, at) + ours + markup.slice(at);
}

function attribute(tag, name) {
  const found = new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, "i").exec(tag);
  return found ? (found[1] ?? found[2] ?? found[3] ?? "") : "";
}

function styleElement(css) {
  return `<style>${css.replace(/<\/style/gi, "<\\/style")}</style>`;
}

function escaped(text) {
  return text.replace(/[&"<]/g, (c) => `&#${c.charCodeAt(0)};`);
}

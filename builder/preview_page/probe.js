/* First script of every page of a checked version: tells the workspace what a visitor's console
   would show, whether there is anything to see, and which links stay inside the site. What it says
   is a hint: the page could say anything, so the workspace shows it as text and trusts it in nothing. */
(() => {
  const MESSAGES_MAX = 40;
  const ERRORS_MAX = 20;
  const TEXT_MAX = 300;
  const SETTLE_MS = 1200;
  const errors = [];
  let count = 0;
  let sent = 0;
  let timer = 0;

  function note(text) {
    count += 1;
    if (errors.length < ERRORS_MAX) errors.push(String(text).slice(0, TEXT_MAX));
    soon(200);
  }

  function words(value) {
    if (value instanceof Error) return `${value.name}: ${value.message}`;
    if (typeof value === "string") return value;
    try {
      return JSON.stringify(value) ?? String(value);
    } catch {
      return String(value);
    }
  }

  const original = console.error.bind(console);
  console.error = (...values) => {
    note(values.map(words).join(" "));
    original(...values);
  };
  window.addEventListener(
    "error",
    (event) => {
      if (event.target && event.target !== window) {
        const source = event.target.getAttribute?.("src") ?? event.target.getAttribute?.("href") ?? "";
        note(`${event.target.localName}: ${source}`);
      } else {
        note(event.message);
      }
    },
    true,
  );
  window.addEventListener("unhandledrejection", (event) => note(words(event.reason)));
  document.addEventListener("securitypolicyviolation", (event) => {
    note(`${event.effectiveDirective}: ${event.blockedURI}`);
  });

  function isEmpty() {
    const body = document.body;
    if (!body) return true;
    if (body.innerText.trim()) return false;
    return ![...body.querySelectorAll("img, svg, canvas, video, iframe, input, button")].some(
      (element) => element.getBoundingClientRect().height > 0,
    );
  }

  function links() {
    const found = new Set();
    for (const link of document.querySelectorAll("a[href]")) {
      let url;
      try {
        url = new URL(link.getAttribute("href"), document.baseURI);
      } catch {
        continue;
      }
      if (url.host !== location.host || found.size >= 100) continue;
      found.add(url.pathname);
    }
    return [...found];
  }

  function soon(milliseconds) {
    if (!timer) timer = setTimeout(report, milliseconds);
  }

  function report() {
    timer = 0;
    if (sent >= MESSAGES_MAX || window.parent === window) return;
    sent += 1;
    window.parent.postMessage(
      {
        type: "sitewright:check",
        path: location.pathname,
        count,
        errors,
        links: links(),
        empty: isEmpty(),
        height: document.documentElement.scrollHeight,
        settled: document.readyState === "complete",
      },
      "*",
    );
  }

  window.addEventListener("load", () => soon(SETTLE_MS));
})();

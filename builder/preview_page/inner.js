/* Runs inside a paint, before the site: says when there is something to see, keeps the scroll
   position known, and turns links into requests to show another page of the site. */
(() => {
  const path = document.currentScript.dataset.path;
  const tell = (message) => window.parent.postMessage(message, "*");

  function shows() {
    const body = document.body;
    if (!body) return false;
    if (body.innerText.trim()) return true;
    // A drawing is measured by what it draws: a sheet of symbols has a box, and nothing in it.
    return [...body.querySelectorAll("img, svg, canvas, video, input, button")].some(
      (element) => (element.getBBox?.() ?? element.getBoundingClientRect()).height > 0,
    );
  }

  function report() {
    tell({ type: "ready", empty: !shows(), height: document.documentElement.scrollHeight });
  }

  function inSite(reference) {
    if (/^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(reference)) return null;
    try {
      const found = decodeURIComponent(new URL(reference, `http://site.invalid/${path}`).pathname.slice(1));
      return found === "" || found.endsWith("/") ? `${found}index.html` : found;
    } catch {
      return null;
    }
  }

  document.addEventListener("DOMContentLoaded", report, { once: true });
  window.addEventListener("scroll", () => tell({ type: "scroll", y: window.scrollY }), { passive: true });
  window.addEventListener("message", (event) => {
    if (event.source !== window.parent || event.data?.type !== "scroll-to") return;
    window.scrollTo({ top: event.data.y, behavior: "instant" });
  });
  document.addEventListener("submit", (event) => event.preventDefault(), true);
  document.addEventListener(
    "click",
    (event) => {
      const link = event.target.closest?.("a[href]");
      if (!link) return;
      event.preventDefault();
      const reference = link.getAttribute("href");
      if (reference.startsWith("#")) {
        const target = document.getElementById(decodeURIComponent(reference.slice(1)));
        (target ?? document.documentElement).scrollIntoView();
        return;
      }
      const found = inSite(reference);
      if (found) tell({ type: "follow", path: found });
    },
    true,
  );
})();

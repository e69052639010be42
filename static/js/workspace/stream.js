/* One run's event stream. The browser reconnects by itself with Last-Event-ID; where it gives up
   (an error status) we try again from the offset we have. Text is handed on exactly once. */

const RETRY_FIRST_MS = 1000;
const RETRY_MAX_MS = 15000;

/** Follows `url` until `done`. Returns a function that stops following (never the run). */
export function followRun(url, { onText, onEvent, onConnection }) {
  let source = null;
  let cursor = 0; // code points taken so far, as the server counts
  let retry = RETRY_FIRST_MS;
  let timer = 0;
  let over = false;

  function take({ offset, text }) {
    const points = [...text];
    if (offset > cursor) {
      again(0);
      return;
    }
    const fresh = points.slice(cursor - offset);
    if (!fresh.length) return;
    cursor += fresh.length;
    onText(fresh.join(""));
  }

  function listen(name, handle) {
    source.addEventListener(name, (event) => {
      retry = RETRY_FIRST_MS;
      onConnection(true);
      handle(JSON.parse(event.data));
    });
  }

  function connect() {
    timer = 0;
    source = new EventSource(`${url}?after=${cursor}`);
    listen("delta", take);
    for (const name of ["status", "file", "receipt"]) listen(name, (data) => onEvent(name, data));
    listen("done", (data) => {
      stop();
      onEvent("done", data);
    });
    source.addEventListener("farewell", () => onConnection(true));
    source.addEventListener("error", () => {
      if (over) return;
      onConnection(false);
      if (source.readyState === EventSource.CLOSED) again(retry);
    });
  }

  function again(milliseconds) {
    source.close();
    if (over || timer) return;
    timer = setTimeout(connect, milliseconds);
    retry = Math.min(RETRY_MAX_MS, retry * 2);
  }

  function stop() {
    over = true;
    clearTimeout(timer);
    source?.close();
  }

  connect();
  return stop;
}

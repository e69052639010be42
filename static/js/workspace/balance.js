/* The balance chip and its menu after tokens were held or spent: rendered again by the server. */

import { on } from "./bus.js";
import { config } from "./config.js";

const PARTS = ["[data-balance-chip]", "#balance-menu"];
let asked = 0;

async function refresh() {
  asked += 1;
  const mine = asked;
  const response = await fetch(config.balanceUrl, { credentials: "same-origin" }).catch(() => null);
  // The newest question wins: an older answer may still show what has been given back since.
  if (!response?.ok || response.redirected || mine !== asked) return;
  const fresh = document.createElement("template");
  fresh.innerHTML = await response.text();
  for (const part of PARTS) {
    const now = document.querySelector(part);
    const then = fresh.content.querySelector(part);
    if (!now || !then) continue;
    // The elements stay: one may have the focus, the other may be open.
    now.className = then.className;
    now.replaceChildren(...then.childNodes);
  }
}

export function startBalance() {
  on("balance", refresh);
}

/* The balance chip after tokens were held or spent. */

import { api } from "./api.js";
import { on } from "./bus.js";
import { grouped } from "./config.js";

async function refresh() {
  const me = await api("/api/me").catch(() => null);
  const amount = me?.user?.availableTokens;
  if (!Number.isInteger(amount)) return;
  for (const place of document.querySelectorAll("[data-balance-amount]")) {
    place.textContent = grouped(amount);
  }
}

export function startBalance() {
  on("balance", refresh);
}

// What all parts of the page share: what the server said of the collection, the list that is shown, and news.
//
// News, by name: "setup" (the server said it), "view" (the address says another view), "list" (another list is shown),
// "flags" (numbers whose bits or rows changed), "cursor", "progress", "pending" (how many steps are not saved yet), "rows"
// (numbers whose rows came), "back" (the server answers again), "elsewhere" (who is logged in instead).

import { $ } from "./dom.js";

export const desk = {
  setup: null, // GET /api/setup
  view: new URLSearchParams(), // what the address says; see address.js
  list: null, // list.js
  progress: null,
  newest: null, // {entry, candidate}: how far this page knows the ledger and the candidates
};

const news = new EventTarget();

export const on = (name, heard) => news.addEventListener(name, (event) => heard(event.detail));
export const tell = (name, detail) => news.dispatchEvent(new CustomEvent(name, { detail }));

/** Say what was done, to eyes and to screen readers. */
export function announce(text) {
  const place = $("announce");
  place.classList.remove("wrong");
  delete place.dataset.away;
  place.textContent = text;
}

/** Say what went wrong: it stays until something else is said. */
export function complain(error) {
  announce(error?.message ?? String(error));
  $("announce").classList.add("wrong");
  if (error?.away) $("announce").dataset.away = "";
}

/** What was said of the server's absence is over. */
on("back", () => $("announce").dataset.away !== undefined && announce("The server is back"));

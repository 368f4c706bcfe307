// The view and the address bar say the same: a view is the address's query string, so a link sends it to a colleague.

import { desk, tell } from "./desk.js";

const SHAPE = new Set(["layout", "sort", "descending"]); // of a view; everything else filters

const first = document.querySelector('meta[name="first-view"]')?.content ?? "layout=grid"; // early.js asks for the same

export const VIEWS = [
  { name: "Groups", query: first, what: "the best of every group" },
  { name: "All", query: "layout=groups", what: "every candidate, look-alikes side by side" },
  { name: "By score", query: "layout=grid&sort=score&descending=1", what: "every candidate, the best first" },
  { name: "Source × style", query: "layout=matrix", what: "the best candidate of each source in each style" },
  { name: "Undecided", query: "layout=grid&needs=1&sort=score&descending=1", what: "what needs your decision" },
  { name: "Disagreements", query: "layout=grid&disagreed=1", what: "what one accepted and another rejected" },
  { name: "Accepted", query: "layout=grid&verdict=accept", what: "what is accepted, as you see it" },
  { name: "Starred", query: "layout=grid&starred=1", what: "what somebody starred" },
];

export const layoutOf = (view) => view.get("layout") ?? "grid";
export const settles = (view) => view.getAll("disagreed").includes("1");

/** A view's filters alone, as a query string: what counts, exports and bulk decisions go by. */
export function filtersOf(view) {
  return new URLSearchParams([...view].filter(([name]) => !SHAPE.has(name)));
}

/** The named view that `view` is, or undefined. */
export function nameOf(view) {
  return VIEWS.find(({ query }) => same(new URLSearchParams(query), view))?.name;
}

export function same(one, other) {
  const sorted = (view) =>
    JSON.stringify([...view].filter(([name, value]) => name !== "layout" || value !== "grid").sort());
  return sorted(one) === sorted(other);
}

/** A copy of the present view with some things otherwise: {name: value, [values], or null for none}. */
export function changed(changes) {
  const view = new URLSearchParams(desk.view);
  for (const [name, value] of Object.entries(changes)) {
    view.delete(name);
    for (const one of [value ?? []].flat()) view.append(name, one);
  }
  return view;
}

function fromAddress() {
  const view = new URLSearchParams(location.search);
  return view.size || [...view].length ? view : new URLSearchParams(VIEWS[0].query);
}

/** The candidate that the address names after its "#", or 0. */
export function numberInAddress() {
  const found = /^#(\d{1,10})$/.exec(location.hash);
  return found ? Number(found[1]) : 0;
}

/** Show another view. `opened`: it was opened out of this one, and "back" leads here again. */
export function go(view, { number = 0, opened = false } = {}) {
  keepNumber.now();
  const query = new URLSearchParams(view).toString();
  const here = `/?${query}${number ? `#${number}` : ""}`;
  if (same(new URLSearchParams(query), desk.view)) history.replaceState(history.state, "", here);
  else history.pushState({ opened }, "", here);
  desk.view = fromAddress();
  tell("view");
}

/** Close what was opened: the view before it, or the default where the link led straight here. */
export function back() {
  if (history.state?.opened) history.back();
  else go(VIEWS[0].query);
}

/** The cursor's candidate goes into the address once the keys rest: browsers allow some hundred changes a minute. */
export const keepNumber = (() => {
  let timer = 0;
  let wanted = null;
  const now = () => {
    clearTimeout(timer);
    if (wanted !== null) history.replaceState(history.state, "", `${location.search || location.pathname}#${wanted}`);
    wanted = null;
  };
  const later = (number) => {
    wanted = number;
    clearTimeout(timer);
    timer = setTimeout(now, 700);
  };
  later.now = now;
  later.drop = () => {
    clearTimeout(timer);
    wanted = null;
  };
  return later;
})();

export function start() {
  desk.view = fromAddress();
  addEventListener("popstate", () => {
    const view = fromAddress();
    keepNumber.drop(); // it belongs to the view that was left
    if (same(view, desk.view)) return; // only the number after "#" is another
    desk.view = view;
    tell("view");
  });
}

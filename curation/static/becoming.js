// What the collection becomes: how much of it there is, how it is spread, how rare each trait would be, and what the
// candidate under the cursor would change of that.

import { get } from "./api.js";
import * as cursor from "./cursor.js";
import { complain, on } from "./desk.js";
import { $, button, fill, make } from "./dom.js";
import { many, number as written, share } from "./words.js";

const drawer = $("becoming");
const SHOWN = 8; // values of a trait; the rest on demand
const opened = new Set(); // traits whose every value is shown
let timer = 0;
let last = null; // {number, promise}: panel and drawer ask for the same

export function start() {
  for (const name of ["cursor", "progress"]) on(name, soon);
  on("flags", () => (last = null));
}

export function toggle() {
  drawer.hidden = !drawer.hidden;
  if (!drawer.hidden && innerWidth < 1600) $("panel").hidden = true;
  if (!drawer.hidden) draw();
}

export function effectOf(number) {
  if (last?.number !== number) last = { number, promise: get(`/api/becoming${number ? `?number=${number}` : ""}`) };
  last.promise.catch(() => (last = null));
  return last.promise;
}

function soon() {
  clearTimeout(timer);
  if (!drawer.hidden) timer = setTimeout(draw, 300);
}

async function draw() {
  const number = cursor.number();
  try {
    const becomes = await effectOf(number);
    if (number !== cursor.number()) return;
    const top = drawer.scrollTop;
    fill(
      drawer,
      heading(),
      totals(becomes),
      becomes.this ? effect(becomes.this) : null,
      spread("Styles", becomes.styles),
      becomes.traits.map((one) => spread(one.trait, one.values)),
    );
    drawer.scrollTop = top;
  } catch (error) {
    complain(error);
  }
}

function heading() {
  return make(
    "header",
    {},
    make("h2", { text: "The collection" }),
    button("close-becoming", "Close", toggle, { drawing: "cross", word: "" }),
  );
}

function totals({ accepted, supply, sources }) {
  return make(
    "section",
    { class: "totals" },
    make(
      "p",
      { class: "figure" },
      make("strong", { text: written(accepted) }),
      supply ? ` of ${written(supply)} accepted` : " accepted",
    ),
    supply ? bar(accepted / supply, "big") : null,
    make("p", { class: "quiet", text: `from ${written(sources.used)} of ${many(sources.of, "source")}` }),
  );
}

/** For each trait of the candidate: how many have it now, and how many would. */
export function effect({ accepted, traits }) {
  const lines = traits.map(({ trait, value, now, then, share_now, share_then }) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, make("small", { text: trait }), make("span", { text: value })),
      make("td", { class: "numbers", text: `${written(now)} → ${written(then)}` }),
      make("td", { class: "numbers quiet", text: `${share(share_now)} → ${share(share_then)}` }),
    ),
  );
  const title = accepted ? "Without this one" : "With this one";
  return make(
    "section",
    { class: "effect" },
    make("h3", { text: title }),
    make("table", { "aria-label": title }, make("tbody", {}, lines)),
  );
}

function spread(title, values) {
  const all = opened.has(title);
  const most = Math.max(...values.map((one) => one.share), 0.0001);
  const lines = (all ? values : values.slice(0, SHOWN)).map((one) =>
    make(
      "li",
      {},
      make("span", { class: "value", text: one.value, title: one.value }),
      make("span", { class: "numbers", text: written(one.count) }),
      make("span", { class: "numbers quiet", text: share(one.share) }),
      bar(one.share / most),
    ),
  );
  const rest = values.length - SHOWN;
  const more = () => {
    opened.add(title);
    draw();
  };
  const further =
    !all && rest > 0 ? button("all-values", `${many(rest, "more value")}`, more, { class: "chip plain" }) : null;
  return make("section", { class: "spread" }, make("h3", { text: title }), make("ul", {}, lines), further);
}

function bar(part, kind = "") {
  const inner = make("span");
  inner.style.width = `${Math.min(100, Math.max(part > 0 ? 0.5 : 0, part * 100))}%`;
  return make("span", { class: `track ${kind}`, "aria-hidden": "true" }, inner);
}

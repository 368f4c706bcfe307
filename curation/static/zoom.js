// The large view: one picture as large as the window allows, its source beside it or, while a key is held, in its place.

import * as cursor from "./cursor.js";
import { decide, flagsOf, toggleStar, undo } from "./deciding.js";
import { complain, desk, on, tell } from "./desk.js";
import { $, button, fill, imageOf, make, sharpen, thumbOf } from "./dom.js";
import { ACCEPTED, REJECTED, STARRED, VERDICT } from "./marks.js";
import { fetchRow, rowOf } from "./rows.js";
import { follow } from "./swipe.js";
import { VERDICTS, number as written, said } from "./words.js";

const zoom = $("zoom");
const AHEAD = 3; // pictures that are fetched before they are looked at
const fetched = new Map(); // address: Image; held so that the browser does not let go of them

let parts = null;
let beside = false;
let flipped = false;
let shown = 0;
let waiting = 0;

export const isOpen = () => zoom.open;

export function start() {
  const under = make("img", { class: "under", alt: "", draggable: "false" });
  const over = make("img", { class: "over", alt: "", draggable: "false" });
  const source = make("img", { alt: "", draggable: "false" });
  for (const image of [under, over, source]) sharpen(image);
  const verdict = make("span", { class: "verdict" });
  const title = make("span", { class: "heading" });
  const sourceName = make("figcaption");
  const candidate = make("figure", { class: "candidate" }, under, over);
  const stage = make(
    "div",
    { class: "stage", tabindex: "-1" },
    candidate,
    make("figure", { class: "source" }, source, sourceName),
  );
  parts = {
    under,
    over,
    source,
    sourceName,
    verdict,
    title,
    stage,
    candidate,
    prompt: make("span", { class: "quiet prompt" }),
    buttons: bar(),
  };
  const head = make(
    "header",
    {},
    title,
    parts.prompt,
    verdict,
    button("close-zoom", "Close", close, { drawing: "cross", word: "" }),
  );
  fill(zoom, make("div", { class: "zoom-main" }, head, stage, parts.buttons.element));
  follow(stage, { left: () => decide("reject"), right: () => decide("accept"), moved: candidate });
  zoom.addEventListener("close", closed);
  zoom.addEventListener("cancel", () => zoom.classList.remove("flipped"));
  on("cursor", () => {
    if (zoom.open) draw();
    preload();
  });
  on("flags", () => zoom.open && mark());
  on("rows", () => {
    if (zoom.open) draw();
    preload();
  });
  on("list", () => zoom.open && cursor.isApart() && close());
}

function bar() {
  const accept = button("accept", "Accept", () => decide("accept"), { drawing: "check" });
  const reject = button("reject", "Reject", () => decide("reject"), { drawing: "cross" });
  const star = button("star", "Star", toggleStar, { drawing: "star" });
  const others = [
    button("undo", "Undo", undo, { drawing: "undo" }),
    button("compare", "Source", compare, { drawing: "compare" }),
    button("explain", "Explain", () => tell("explain"), { drawing: "panel" }),
    button("previous", "Previous", () => cursor.step(-1), { drawing: "left", word: "" }),
    button("next", "Next", () => cursor.step(1), { drawing: "right", word: "" }),
  ];
  const element = make(
    "div",
    { class: "bar", role: "toolbar", "aria-label": "This candidate" },
    reject,
    accept,
    star,
    others,
  );
  return { element, accept, reject, star, compare: others[1] };
}

/** Open it: at the cursor, or at a candidate that the list may not hold. */
export function open(number = 0) {
  if (number && number !== cursor.number()) cursor.toNumber(number, { quiet: false });
  if (!cursor.number() || !parts) return;
  if (!zoom.open) {
    zoom.append($("panel"), $("status")); // what is beside and below stays in reach: a modal window hides all else
    zoom.showModal();
    parts.stage.focus();
  }
  draw();
}

export function close() {
  if (zoom.open) zoom.close();
}

export const toggle = () => (zoom.open ? close() : open());

function closed() {
  flip(false);
  $("work").append($("panel"));
  $("work").after($("status"));
  cursor.rejoin();
  $("grid").focus({ preventScroll: true });
}

/** The source beside the candidate, or no longer. */
export function compare() {
  beside = !zoom.open || !beside;
  zoom.classList.toggle("beside", beside);
  if (!zoom.open) open();
  parts.buttons.compare.setAttribute("aria-pressed", String(beside));
}

/** While the key is held: the source in the candidate's place, here or in the grid. */
export function flip(held) {
  if (flipped === held) return;
  flipped = held;
  zoom.classList.toggle("flipped", held && zoom.open);
  const row = rowOf(cursor.number());
  const image = document.querySelector("#grid .cell.at img");
  if (image && row) image.src = held && !zoom.open ? thumbOf(row.source_image) : thumbOf(row.image);
}

function draw() {
  const number = cursor.number();
  const row = rowOf(number);
  if (!row && cursor.isApart()) {
    fetchRow(number)
      .then((found) => found && number === cursor.number() && zoom.open && draw())
      .catch(complain);
  }
  if (number !== shown || (row && parts.over.dataset.sha !== row.image)) {
    shown = number;
    for (const image of [parts.under, parts.over, parts.source]) {
      image.classList.remove("lost");
      image.removeAttribute("src");
    }
    parts.over.dataset.sha = row?.image ?? "";
    if (row) show(row);
  }
  parts.title.textContent = `${written(number)}${row?.name ? ` · ${row.name}` : ""}`;
  parts.prompt.textContent = row?.style ?? "";
  mark();
}

function show(row) {
  if (!fetched.get(imageOf(row.image))?.complete) parts.under.src = thumbOf(row.image); // at once, if a little coarse
  parts.candidate.classList.toggle("freed", row.freed);
  parts.over.src = imageOf(row.image);
  parts.over.alt = `Candidate ${row.number}: ${row.style}`;
  parts.source.src = imageOf(row.source_image);
  parts.source.alt = `Source ${said(row.source)}`;
  parts.sourceName.textContent = `source ${said(row.source)}`;
}

function mark() {
  const flags = flagsOf(cursor.number());
  const verdict = flags & VERDICT;
  parts.verdict.textContent = VERDICTS[verdict];
  zoom.dataset.verdict = VERDICTS[verdict];
  zoom.dataset.number = cursor.number();
  parts.buttons.accept.setAttribute("aria-pressed", String(verdict === ACCEPTED));
  parts.buttons.reject.setAttribute("aria-pressed", String(verdict === REJECTED));
  parts.buttons.star.setAttribute("aria-pressed", String((flags & STARRED) !== 0));
}

/** Fetch what will be looked at next, where it is looked at large. */
function preload() {
  waiting ||= soon(() => {
    waiting = 0;
    preloadNow();
  });
}

/** When nothing is left to do for what is seen, but not much later. */
const soon = (run) =>
  globalThis.requestIdleCallback ? requestIdleCallback(run, { timeout: 250 }) : setTimeout(run, 30);

function preloadNow() {
  if (!desk.list || (!zoom.open && $("panel").hidden)) return;
  let at = cursor.index();
  const numbers = [desk.list.numbers[at + 1], desk.list.numbers[at - 1]];
  for (let count = 0; count < AHEAD && at >= 0; count += 1) {
    at = desk.list.next(at, cursor.isOpen);
    if (at >= 0) numbers.unshift(desk.list.numbers[at]);
  }
  for (const number of numbers) {
    const row = rowOf(number);
    if (!row) continue;
    hold(imageOf(row.image));
    if (beside) hold(imageOf(row.source_image));
  }
}

function hold(address) {
  if (fetched.has(address)) return;
  const image = new Image();
  image.src = address;
  fetched.set(address, image);
  for (const old of fetched.keys()) {
    if (fetched.size <= 24) break;
    fetched.delete(old);
  }
}

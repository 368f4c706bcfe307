// What each key does. The left hand decides, the right one moves.

import { back, go, layoutOf } from "./address.js";
import * as becoming from "./becoming.js";
import * as cursor from "./cursor.js";
import { decide, keepBest, toggleMore, toggleStar, undo } from "./deciding.js";
import { announce, complain, desk } from "./desk.js";
import { $ } from "./dom.js";
import * as grid from "./grid.js";
import { showHelp, start } from "./keys.js";
import * as panel from "./panel.js";
import { fetchRow } from "./rows.js";
import { tag, tagAgain, writeNote } from "./tagging.js";
import * as zoom from "./zoom.js";

const SECTIONS = {
  Decide: [
    { keys: ["a"], what: "accept, and on to the next that needs you", run: () => decide("accept") },
    { keys: ["r", "x"], what: "reject, and on", run: () => decide("reject") },
    {
      keys: ["b"],
      what: "keep the best: accept this, reject what is undecided of its group",
      run: () => keepBest().catch(complain),
    },
    { keys: ["u"], what: "undecide: as if you had said nothing", run: () => decide("undecide") },
    { keys: ["z", "ctrl+z"], what: "undo; again and again goes further back", run: undo, repeats: true },
    { keys: ["s"], what: "star", run: toggleStar },
    { keys: ["m"], what: "more like this in the next run (stars it, too)", run: toggleMore },
    { keys: ["t"], what: "tag", run: tag },
    { keys: ["shift+t"], what: "the last tag again", run: tagAgain },
    { keys: ["o"], what: "write a note", run: writeNote },
  ],
  Look: [
    { keys: [" "], what: "large view", run: () => zoom.toggle() },
    { keys: ["c"], what: "compare: the source beside it", run: () => zoom.compare() },
    {
      keys: ["q"],
      what: "hold: the source in its place",
      run: () => zoom.flip(true),
      released: () => zoom.flip(false),
    },
    { keys: ["e"], what: "explain: recipe, scores, opinions, history", run: () => panel.toggle() },
    { keys: ["w"], what: "what the collection becomes", run: () => becoming.toggle() },
    { keys: ["v"], what: "open its group; back to the list", run: () => openGroup().catch(complain) },
    { keys: ["Enter"], what: "steps × scales of this source and style", run: () => openPlane().catch(complain) },
    { keys: ["Escape"], what: "close what is open", run: close },
    { keys: ["?"], what: "these keys", run: showHelp },
  ],
  Move: [
    { keys: ["d"], what: "next that needs your decision", run: toNextOpen, repeats: true },
    {
      keys: ["g"],
      what: "next group",
      run: () => cursor.to(cursor.nextGroup()) || announce("This is the last group"),
      repeats: true,
    },
    { keys: ["ArrowLeft"], what: "one back", run: () => cursor.step(-1), repeats: true },
    { keys: ["ArrowRight"], what: "one on", run: () => cursor.step(1), repeats: true },
    { keys: ["ArrowUp"], what: "a row up", run: () => cursor.step(-byRow()), repeats: true },
    { keys: ["ArrowDown"], what: "a row down", run: () => cursor.step(byRow()), repeats: true },
    { keys: ["PageUp"], what: "a screen up", run: () => byScreen(-1), repeats: true },
    { keys: ["PageDown"], what: "a screen down", run: () => byScreen(1), repeats: true },
    { keys: ["Home"], what: "the first", run: () => cursor.toEnd(false) },
    { keys: ["End"], what: "the last", run: () => cursor.toEnd(true) },
  ],
};

export function startKeys() {
  start(
    SECTIONS,
    () => !document.querySelector("dialog[open]:not(#zoom)") && !document.querySelector(".menu:not([hidden])"),
  );
}

/** In the large view there are no rows: up and down go back and on, too. */
const byRow = () => (zoom.isOpen() ? 1 : grid.columns());

function byScreen(direction) {
  const rows = grid.rowsInView();
  for (let times = rows; times > 0; times -= 1) if (cursor.step(direction * grid.columns() * times)) return;
  cursor.toEnd(direction > 0);
}

function toNextOpen() {
  const next = cursor.nextOpen();
  if (next >= 0) cursor.to(next);
  else announce("Nothing else in this view needs your decision");
}

/** Out of a list into the group of what is under the cursor; out of what was opened back to where it was. */
async function openGroup() {
  if (isOpened()) return back();
  const number = cursor.number();
  const row = number && (await fetchRow(number));
  if (!row) return undefined;
  if (!row.leader) return announce("Nothing looks like it: it is a group of one");
  zoom.close();
  return go(new URLSearchParams({ layout: "groups", group: row.leader }), { number, opened: true });
}

async function openPlane() {
  const row = cursor.number() && (await fetchRow(cursor.number()));
  if (!row || layoutOf(desk.view) === "xy") return;
  zoom.close();
  go(new URLSearchParams({ layout: "xy", source: row.source, style: row.style }), { number: row.number, opened: true });
}

export function isOpened() {
  return layoutOf(desk.view) === "xy" || desk.view.has("group");
}

function close() {
  if (zoom.isOpen()) zoom.close();
  else if (!$("becoming").hidden) becoming.toggle();
  else if (!$("panel").hidden) panel.toggle();
  else if (isOpened()) back();
}

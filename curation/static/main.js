// The review page: puts its parts together. Each part is a module of one subject; this one only introduces them.

import * as address from "./address.js";
import { Away, get, post } from "./api.js";
import * as becoming from "./becoming.js";
import * as changes from "./changes.js";
import * as cursor from "./cursor.js";
import * as deciding from "./deciding.js";
import { announce, complain, desk, on, tell } from "./desk.js";
import { $ } from "./dom.js";
import * as elsewhere from "./elsewhere.js";
import * as filters from "./filters.js";
import * as grid from "./grid.js";
import { startKeys } from "./hands.js";
import { fetchList } from "./list.js";
import { Outbox } from "./outbox.js";
import * as panel from "./panel.js";
import * as pointer from "./pointer.js";
import * as progress from "./progress.js";
import * as top from "./top.js";
import { capital } from "./words.js";
import * as zoom from "./zoom.js";

const AGAIN = 2500; // milliseconds until a list is asked for again that the server did not give
const PATIENCE = 5000; // milliseconds; the progress is told by then even if no candidate came
let asked = null; // the list that is underway

/** Show the list of the view in the address. `number`: the candidate to stand at. */
async function load({ number = address.numberInAddress(), stay = false } = {}) {
  asked?.abort();
  asked = new AbortController();
  const { signal } = asked;
  $("grid").setAttribute("aria-busy", "true");
  try {
    const list = await fetchList(desk.view, signal, begin);
    if (signal.aborted) return;
    const before = desk.list?.partial && desk.list.view === list.view ? desk.list : null;
    if (before) {
      [number, stay] = [cursor.number(), true];
      list.renew(before); // what was decided since
    }
    desk.list = list;
    desk.newest = list.newest ?? desk.newest;
    saySo(list.count ? "" : nothingIn(list));
    deciding.overlay();
    $("grid").removeAttribute("aria-busy");
    tell("list", { stay });
    arrive(number);
    if (before?.endWanted) cursor.toEnd(true);
  } catch (error) {
    if (signal.aborted) return;
    fail(error);
    if (!(error instanceof Away)) return $("grid").removeAttribute("aria-busy");
    setTimeout(() => signal.aborted || load({ number, stay }), AGAIN); // what is shown is not what the address says
  }
}

/** The first screen: the rest of the list is still to come. */
function begin(list) {
  desk.list = list;
  deciding.overlay();
  tell("list", { stay: false });
  cursor.settle(0);
}

function nothingIn(list) {
  if (list.newest?.candidate) return "No candidate fits this view.";
  return "There are no candidates yet. “toadworks run” makes them; they come here as they are made.";
}

function arrive(number) {
  cursor.settle(number);
  if (number && desk.list.indexOf(number) < 0) zoom.open(number);
}

function fail(error) {
  if (error.status === 400) {
    desk.list = null;
    saySo(`${capital(error.message)}. Take the filter away to go on.`);
    return announce("This view cannot be shown");
  }
  return complain(error);
}

function saySo(text) {
  $("nothing").hidden = !text;
  $("nothing").textContent = text;
  $("space").hidden = Boolean(text);
}

/** What the page itself says: enough to decide with, before the server has said the rest. */
function setUp() {
  const said = (name) => document.querySelector(`meta[name="${name}"]`).content;
  desk.setup = {
    collection: said("collection"),
    curator: said("curator"),
    others: [],
    tags: [],
    styles: [],
    columns: [],
  };
}

function startOutbox() {
  const { collection, curator } = desk.setup;
  desk.outbox = new Outbox([collection, curator], {
    send: (steps) => post("/api/say", { steps }),
    heard: deciding.heard,
    changed: () => tell("pending"),
  });
  deciding.start(desk.outbox, (number) => zoom.open(number));
}

/** Everything listens before there is anything to see: no key that is pressed at the first picture is lost. */
async function start() {
  setUp();
  address.start();
  for (const part of [grid, pointer, top, filters, progress, panel, becoming, zoom, changes, elsewhere]) part.start();
  startOutbox();
  startKeys();
  on("back", () => desk.outbox.flush());
  on("back", () => document.querySelectorAll("img.lost[src]").forEach((image) => (image.src = image.src)));
  on("view", () => load());
  on("reload", (how) => load({ number: cursor.number(), ...how }));
  $("grid").focus({ preventScroll: true });
  announce(matchMedia("(hover: none)").matches ? "Tap a picture to look closer" : "? shows the keys");
  const seen = firstRows();
  const list = load();
  Object.assign(desk.setup, await get("/api/setup"));
  tell("setup");
  await list;
  await seen;
  await progress.refresh();
}

/** The rows of the first screen, if there are any: counting how far one is takes the server's time, and can wait. */
function firstRows() {
  return new Promise((resolve) => {
    on("rows", resolve);
    on("list", () => desk.list.count || resolve());
    setTimeout(resolve, PATIENCE);
  });
}

start().catch(complain);

// The review page: puts its parts together. Each part is a module of one subject; this one only introduces them.

import * as address from "./address.js";
import { get, post } from "./api.js";
import * as cursor from "./cursor.js";
import * as deciding from "./deciding.js";
import { announce, complain, desk, on, tell } from "./desk.js";
import { $ } from "./dom.js";
import * as filters from "./filters.js";
import * as grid from "./grid.js";
import { startKeys } from "./hands.js";
import * as changes from "./changes.js";
import { fetchList } from "./list.js";
import { Outbox } from "./outbox.js";
import * as panel from "./panel.js";
import * as becoming from "./becoming.js";
import * as pointer from "./pointer.js";
import * as progress from "./progress.js";
import * as top from "./top.js";
import * as zoom from "./zoom.js";

let asked = null; // the list that is underway

/** Show the list of the view in the address. `number`: the candidate to stand at. */
async function load({ number = address.numberInAddress(), stay = false } = {}) {
  asked?.abort();
  asked = new AbortController();
  const { signal } = asked;
  $("grid").setAttribute("aria-busy", "true");
  try {
    const list = await fetchList(desk.view, signal);
    if (signal.aborted) return;
    desk.list = list;
    desk.newest = list.newest ?? desk.newest;
    saySo(list.count ? "" : "No candidate fits this view.");
    if (desk.outbox) deciding.overlay();
    tell("list", { stay });
    arrive(number);
  } catch (error) {
    if (!signal.aborted) fail(error);
  } finally {
    if (!signal.aborted) $("grid").removeAttribute("aria-busy");
  }
}

function arrive(number) {
  cursor.settle(number);
  if (number && desk.list.indexOf(number) < 0 && desk.setup) zoom.open(number);
}

function fail(error) {
  if (error.status === 400) {
    desk.list = null;
    saySo(`${error.message} Take the filter away to go on.`);
  }
  complain(error);
}

function saySo(text) {
  $("nothing").hidden = !text;
  $("nothing").textContent = text;
  $("space").hidden = Boolean(text);
}

function startOutbox() {
  const { collection, curator } = desk.setup;
  desk.outbox = new Outbox([collection, curator], {
    send: (steps) => post("/api/say", { steps }),
    heard: deciding.heard,
    changed: () => tell("pending"),
  });
  deciding.start(desk.outbox, (number) => zoom.open(number));
  if (desk.list) {
    deciding.overlay();
    tell("flags", null);
  }
}

async function start() {
  address.start();
  grid.start();
  pointer.start();
  on("view", () => load());
  on("reload", (how) => load({ number: cursor.number(), ...how }));
  const list = load(); // beside the setup, not after it: the first screen needs only this
  desk.setup = await get("/api/setup");
  for (const part of [top, filters, progress, panel, becoming, zoom, changes]) part.start();
  startOutbox();
  startKeys();
  await list;
  const number = address.numberInAddress();
  if (number && desk.list?.indexOf(number) < 0) zoom.open(number);
  $("grid").focus({ preventScroll: true });
  if (!$("announce").textContent) announce("? shows the keys");
}

start().catch(complain);

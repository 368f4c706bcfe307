// What others did since: asked for every few seconds while somebody looks, and shown where it belongs.

import { get } from "./api.js";
import { layoutOf } from "./address.js";
import { renew } from "./deciding.js";
import { desk, on, tell } from "./desk.js";
import { $ } from "./dom.js";
import { refresh } from "./progress.js";
import { forget } from "./rows.js";
import { many } from "./words.js";

const EVERY = 4000;
let timer = 0;
let fresh = 0; // candidates made since the list was

export function start() {
  document.addEventListener("visibilitychange", () => !document.hidden && look());
  $("news").addEventListener("click", () => tell("reload", { stay: true }));
  on("list", () => {
    fresh = 0;
    $("news").hidden = true;
  });
  again();
}

function again() {
  clearTimeout(timer);
  timer = setTimeout(look, EVERY);
}

async function look() {
  clearTimeout(timer);
  try {
    if (!document.hidden && desk.newest) await ask(desk.newest);
  } catch {
    // the server is away: what cannot be saved says so already, and news can wait
  }
  again();
}

async function ask({ entry, candidate }) {
  const list = desk.list;
  const said = await get(`/api/changes?entry=${entry}&candidate=${candidate}`);
  if (list !== desk.list) return; // another list came meanwhile, which knows more
  desk.newest = { entry: said.newest.entry, candidate };
  if (said.all) await renew();
  else if (said.changed.length) apply(said.changed);
  if (said.all || said.changed.length) refresh();
  if (said.candidates) arrived(said.candidates);
}

function apply(changed) {
  const waiting = desk.outbox.numbers;
  const theirs = changed.filter(([number]) => !waiting.has(number));
  for (const [number, flags] of theirs) {
    const index = desk.list.indexOf(number);
    if (index >= 0) desk.list.flags[index] = flags;
  }
  forget(theirs.map(([number]) => number));
  tell(
    "flags",
    theirs.map(([number]) => number),
  );
}

/** New candidates: a grid of steps and scales takes them in as they come, and so does a list of none; any other list
 * stays as it is until it is asked. */
function arrived(count) {
  if (layoutOf(desk.view) === "xy" || !desk.list?.count) return tell("reload", { stay: true });
  if (count === fresh) return undefined;
  fresh = count;
  $("news").textContent = `${many(count, "new candidate")} · show`;
  $("news").hidden = false;
  return undefined;
}

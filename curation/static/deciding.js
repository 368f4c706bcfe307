// What a person says of candidates: shown at once, written down, sent, and taken back again and again.

import { get, newRequest } from "./api.js";
import * as cursor from "./cursor.js";
import { announce, complain, desk, tell } from "./desk.js";
import { $ } from "./dom.js";
import { List } from "./list.js";
import { MORE, NEEDS, STARRED, VERDICT, after } from "./marks.js";
import { fetchRow, forget, learn, rowOf } from "./rows.js";
import { PAST, capital, many } from "./words.js";

const undoable = []; // this tab's steps, the last one last: {request, before: Map(number: flags) or null}
let outbox = null;
let show = () => {};

/** `box`: outbox.js; `open(number)`: shows a candidate that the list does not hold. */
export function start(box, open) {
  outbox = box;
  show = open;
}

export function flagsOf(number) {
  const index = desk.list?.indexOf(number) ?? -1;
  return index >= 0 ? desk.list.flags[index] : (rowOf(number)?.flags ?? 0);
}

function setFlags(number, flags) {
  const index = desk.list?.indexOf(number) ?? -1;
  if (index >= 0) desk.list.flags[index] = flags;
  const row = rowOf(number);
  if (row) row.flags = flags;
}

/** Say it in one step: [{number, action, value?, note?, settles?}]. */
export function say(said, words) {
  const request = newRequest();
  const before = new Map(said.map(({ number }) => [number, flagsOf(number)]));
  for (const one of said) display(one);
  undoable.push({ request, before });
  outbox.add({ request, said });
  tell("flags", [...before.keys()]);
  if (words) announce(`${capital(words)} · undo with z`);
}

function display(one) {
  setFlags(one.number, after(flagsOf(one.number), one));
  const row = rowOf(one.number);
  if (!row) return;
  if (one.action === "tag") row.tags = [...new Set([...row.tags, one.value])].sort();
  if (one.action === "untag") row.tags = row.tags.filter((tag) => tag !== one.value);
  if (one.action === "note") row.note = one.note;
  if (one.action === "rename") row.name = one.value;
}

/** Accept, reject or undecide what is under the cursor, and go on to what waits next. */
export function decide(action) {
  const number = cursor.number();
  if (!number) return;
  const settling = desk.list?.settles;
  const waited = cursor.isApart() || cursor.isOpen(cursor.index());
  say([{ number, action, ...(settling && { settles: true }) }], `${settling ? "Settled: " : ""}${PAST[action]}`);
  if (action !== "undecide") goOn(waited);
}

/** On to the next that waits. Where none does: one further if this one was decided before, else stay. */
export function goOn(waited = true) {
  if (cursor.isApart()) return;
  const next = cursor.nextOpen();
  if (next >= 0) cursor.to(next);
  else if (!waited) cursor.step(1);
  else announce(`${$("announce").textContent} · nothing is left to decide in this view`);
}

export function toggleStar() {
  const number = cursor.number();
  if (!number) return;
  const action = flagsOf(number) & STARRED ? "unstar" : "star";
  say([{ number, action }], PAST[action]);
}

/** "More like this" asks the next run for recipes near this one; what is worth that is starred, too. */
export function toggleMore() {
  const number = cursor.number();
  if (!number) return;
  const flags = flagsOf(number);
  const action = flags & MORE ? "unmore" : "more";
  const stars = action === "more" && !(flags & STARRED) ? [{ number, action: "star" }] : [];
  say([{ number, action }, ...stars], PAST[action]);
}

/** A step that was said elsewhere than in the outbox (in bulk) can be taken back like any other. */
export function remember(request) {
  undoable.push({ request, before: null });
}

/** Take the last step back; again and again goes further back, in the end to steps from before this page was opened. */
export function undo() {
  const last = undoable.pop();
  const step = { request: newRequest(), undo: last?.request ?? null };
  if (last?.before) {
    for (const [number, flags] of last.before) setFlags(number, flags);
    outbox.add(step);
    tell("flags", [...last.before.keys()]);
    bringBack([...last.before.keys()]);
  } else {
    answered.set(step.request, bringBack);
    outbox.add(step);
    announce("Undoing…");
  }
}

const answered = new Map(); // request: what to do with the numbers that the server names

function bringBack(numbers) {
  if (!numbers.length) return announce("There is nothing left to undo");
  announce(numbers.length === 1 ? "Undone" : `Undone: ${many(numbers.length, "candidate")}`);
  if (!cursor.toNumber(numbers[0])) show(numbers[0]);
}

/** What the server said to steps of this tab or another one's: its word stands, but for what still waits to be said. */
export function heard(answer, own) {
  const later = outbox?.numbers ?? new Set();
  const current = (answer.rows ?? []).filter(({ number }) => !later.has(number));
  learn(current);
  for (const row of current) setFlags(row.number, row.flags);
  for (const one of answer.done) hear(one, own);
  tell(
    "flags",
    current.map(({ number }) => number),
  );
  if (answer.progress) tell("progress", (desk.progress = answer.progress));
}

function hear({ request, added, numbers, error }, own) {
  const at = undoable.findIndex((step) => step.request === request);
  const bring = answered.get(request);
  answered.delete(request);
  if (at >= 0 && (error || !added)) {
    const [{ before }] = undoable.splice(at, 1); // nothing to take back
    if (error) recall(before);
  }
  if (error && own) complain(error);
  else if (bring) {
    if (numbers.length > 500) renew();
    bring(numbers);
  }
}

/** The server refused: the candidates are as they were. */
function recall(before) {
  for (const [number, flags] of before ?? []) setFlags(number, flags);
  forget(before?.keys());
  tell("flags", [...(before?.keys() ?? [])]);
}

/** Learn anew how all candidates stand, and leave the list in its order. */
export async function renew() {
  const all = new List(await get("/api/list?layout=grid", { binary: true }));
  desk.list?.renew(all); // the list of now: another may have come while this was asked for
  forget();
  overlay();
  tell("flags", null);
}

/** What waits to be said shows on a list that the server made without knowing of it. */
export function overlay() {
  const undone = new Set(outbox.steps.map((step) => step.undo).filter(Boolean));
  for (const step of outbox.steps) if (!undone.has(step.request)) for (const one of step.said ?? []) display(one);
}

/** Keep the best: accept this one and reject what of its group is still undecided, in one step. */
export async function keepBest() {
  const number = cursor.number();
  const row = number && (await fetchRow(number));
  if (!row) return;
  const others = row.leader ? await stillOpen(row.leader, number) : [];
  const settling = desk.list?.settles && { settles: true };
  const said = [
    { number, action: "accept", ...settling },
    ...others.map((other) => ({ number: other, action: "reject" })),
  ];
  say(said, others.length ? `Accepted, and ${many(others.length, "other")} of its group rejected` : "Accepted");
  if (cursor.number() === number) goOn();
}

/** The whole group, whatever the view leaves out. */
async function stillOpen(leader, but) {
  const group = new List(await get(`/api/list?layout=grid&group=${leader}`, { binary: true }));
  return [...group.numbers].filter(
    (number) => number && number !== but && (standing(group, number) & (VERDICT | NEEDS)) === NEEDS,
  );
}

function standing(group, number) {
  return outbox.numbers.has(number) ? flagsOf(number) : group.flags[group.indexOf(number)];
}

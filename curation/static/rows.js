// What is known of single candidates: asked for a few at a time, only those that are looked at, and kept a while.

import { get } from "./api.js";
import { complain, tell } from "./desk.js";

const AT_ONCE = 100;
const SIDE_BY_SIDE = 2; // requests: browsers open six connections, and pictures need some
const KEPT = 5000;

const rows = new Map(); // the least lately asked for first
let wanted = []; // by the last caller alone: who scrolls on no longer needs what has gone by
const underway = new Set();
const single = new Map(); // number: the request for it alone
let requests = 0;
let rest = 0;

export const rowOf = (number) => rows.get(number);

/** Ask for these, the most urgent first, instead of what was wanted before. "rows" is told as they come. */
export function want(numbers) {
  wanted = numbers.filter((number) => number && !rows.has(number));
  pump();
}

/** The row of one candidate, now or soon; undefined where there is none. */
export async function fetchRow(number) {
  if (!rows.has(number) && !single.has(number)) {
    const asked = get(`/api/rows?numbers=${number}`).then(({ rows: given }) => learn(given));
    single.set(
      number,
      asked.finally(() => single.delete(number)),
    );
  }
  await (rows.has(number) || single.get(number));
  return rows.get(number);
}

export function learn(given) {
  for (const row of given) {
    rows.delete(row.number);
    rows.set(row.number, row);
  }
  for (const number of rows.keys()) {
    if (rows.size <= KEPT) break;
    rows.delete(number);
  }
}

/** These are no longer as we know them. */
export function forget(numbers) {
  if (numbers) for (const number of numbers) rows.delete(number);
  else rows.clear();
}

function pump() {
  while (requests < SIDE_BY_SIDE && Date.now() >= rest) {
    const numbers = wanted.filter((number) => !underway.has(number) && !rows.has(number)).slice(0, AT_ONCE);
    if (!numbers.length) return;
    fetchSome(numbers);
  }
}

async function fetchSome(numbers) {
  requests += 1;
  for (const number of numbers) underway.add(number);
  try {
    learn((await get(`/api/rows?numbers=${numbers.join(",")}`)).rows);
    tell("rows", numbers);
  } catch (error) {
    complain(error);
    rest = Date.now() + 2000; // the server is away: not so fast
    setTimeout(pump, 2100);
  } finally {
    requests -= 1;
    for (const number of numbers) underway.delete(number);
  }
  wanted = wanted.filter((number) => !rows.has(number) && !numbers.includes(number)); // what never came is not asked for again
  pump();
}

// Which candidate is meant: a place in the list, or one that the list does not hold (opened by its number).

import { keepNumber } from "./address.js";
import { desk, tell } from "./desk.js";
import { DISAGREED, NEEDS } from "./marks.js";

let place = -1;
let apart = 0;

export const index = () => (apart ? -1 : place);
export const number = () => apart || (desk.list?.numbers[place] ?? 0);
export const isApart = () => apart !== 0;

/** Move to a place of the list. `quiet`: the pointer did it, so nothing need be scrolled into view. */
export function to(target, { quiet = false } = {}) {
  if (!desk.list?.numbers[target]) return false;
  const before = place;
  [place, apart] = [target, 0];
  keepNumber(number());
  tell("cursor", { before, quiet });
  return true;
}

/** To a candidate, wherever it is: in the list, or (false) outside of it. */
export function toNumber(wanted, options) {
  const found = desk.list?.indexOf(wanted) ?? -1;
  if (found >= 0) return to(found, options);
  apart = wanted;
  keepNumber(wanted);
  tell("cursor", { before: place, quiet: true });
  return false;
}

/** Leave a candidate that the list does not hold, for the place where the cursor was. */
export function rejoin() {
  if (!apart) return;
  apart = 0;
  tell("cursor", { before: place, quiet: false });
}

/** Another list came: stay with the same candidate if it holds it, else at its beginning. */
export function settle(wanted) {
  const list = desk.list;
  const before = place;
  apart = 0;
  place = list.indexOf(wanted);
  if (place < 0) place = list.numbers.findIndex((one) => one !== 0);
  tell("cursor", { before, quiet: place <= 0 });
}

/** By so many places, over empty ones; stops at the ends. */
export function step(by) {
  const { numbers, count } = desk.list ?? { count: 0 };
  for (let target = place + by; target >= 0 && target < count; target += by) {
    if (numbers[target]) return to(target);
  }
  return Math.abs(by) > 1 && by > 0 ? to(lastInReach(by)) : false;
}

/** Down from the row before the last lands on the last candidate, even where the last row ends before that column. */
function lastInReach(by) {
  const { numbers, count, columns } = desk.list;
  const last = count - 1;
  return !columns && last - place < by && Math.floor(last / by) > Math.floor(place / by) && numbers[last] ? last : -1;
}

export function toEnd(forwards) {
  const { numbers } = desk.list ?? { numbers: [] };
  if (desk.list?.partial) desk.list.endWanted = forwards; // which is not there yet
  return to(forwards ? numbers.findLastIndex((one) => one !== 0) : numbers.findIndex((one) => one !== 0));
}

/** Whether a place still waits for this person: for a decision, or in the disagreements for one that settles. */
export function isOpen(at) {
  return (desk.list.flags[at] & (desk.list.settles ? DISAGREED : NEEDS)) !== 0;
}

export function nextOpen() {
  return desk.list && place >= 0 ? desk.list.next(place, isOpen) : -1;
}

export function nextGroup() {
  return desk.list && place >= 0 ? desk.list.nextGroup(place) : -1;
}

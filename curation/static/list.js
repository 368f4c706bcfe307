// The list that is shown, as the server sends it: three arrays, one place a candidate, a million of them if need be.

import { settles } from "./address.js";
import { checkWho, get } from "./api.js";

export class List {
  /** `buffer`: the answer of /api/list, described at `GET /api/list`; `view`: what was asked for. While another view is
   * on its way, what is said is still said in this one. */
  constructor(buffer, view = new URLSearchParams()) {
    this.view = String(view);
    this.settles = settles(view);
    const length = new DataView(buffer).getUint32(0, true);
    const said = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
    const start = Math.ceil((4 + length) / 4) * 4; // arrays of four bytes begin at multiples of four
    this.count = said.count;
    this.columns = said.columns; // labels, or null: as many columns as there is room for
    this.rows = said.rows;
    this.columnTitle = said.column_title ?? "";
    this.rowTitle = said.row_title ?? "";
    this.newest = said.newest;
    this.numbers = new Uint32Array(buffer, start, this.count); // 0: an empty place
    this.groups = new Uint32Array(buffer, start + 4 * this.count, this.count);
    this.flags = new Uint8Array(buffer, start + 8 * this.count, this.count);
  }

  /** Where a candidate stands, or -1. A walk over a million numbers takes under a millisecond. */
  indexOf(number) {
    return number ? this.numbers.indexOf(number) : -1;
  }

  /** The next place after `from` for which `fits(index)`, onwards and then from the start; -1 for none but `from`. */
  next(from, fits) {
    for (let step = 1; step < this.count; step += 1) {
      const index = (from + step) % this.count;
      if (this.numbers[index] && fits(index)) return index;
    }
    return -1;
  }

  /** The first place after `from` that belongs to another group; -1 for none. */
  nextGroup(from) {
    const group = this.groups[from];
    for (let index = from + 1; index < this.count; index += 1) {
      if (this.numbers[index] && (!group || this.groups[index] !== group)) return index;
    }
    return -1;
  }

  /** Every flag anew, by number, the order left alone: a list is a snapshot. */
  renew(other) {
    const largest = other.numbers.reduce((most, number) => Math.max(most, number), 0);
    const known = new Int16Array(largest + 1).fill(-1);
    other.numbers.forEach((number, index) => (known[number] = other.flags[index]));
    this.numbers.forEach((number, index) => {
      if (number <= largest && known[number] >= 0) this.flags[index] = known[number];
    });
  }
}

const BEFORE_THE_REST = 700; // milliseconds, in which the first pictures have the server for themselves

/** `begin(list)`: gets the beginning of the list, where that is there before the whole. */
export async function fetchList(view, signal, begin) {
  const early = globalThis.earlyList;
  globalThis.earlyList = null;
  const asked = early && new URLSearchParams(early.query).toString() === view.toString() ? early : {};
  const beginning = await arrived(asked.beginning);
  if (beginning && !signal.aborted) {
    begin(Object.assign(new List(beginning, view), { partial: true }));
    await new Promise((resolve) => setTimeout(resolve, BEFORE_THE_REST));
  }
  return new List((await arrived(asked.whole)) ?? (await get(`/api/list?${view}`, { binary: true, signal })), view);
}

/** What early.js asked for, if that went well. */
async function arrived(asked) {
  const response = await asked;
  if (response) checkWho(response);
  return response?.ok ? response.arrayBuffer() : null;
}

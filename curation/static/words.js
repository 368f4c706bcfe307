// How numbers, times and verdicts are written on the page.

const whole = new Intl.NumberFormat("en");
const fine = new Intl.NumberFormat("en", { maximumFractionDigits: 4 });
const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export const VERDICTS = ["undecided", "accepted", "rejected"];
export const PAST = {
  accept: "accepted",
  reject: "rejected",
  undecide: "undecided again",
  star: "starred",
  unstar: "star taken away",
  tag: "tagged",
  untag: "tag taken away",
  note: "note written",
  rename: "renamed",
  more: "more like it asked for",
  unmore: "no more like it asked for",
  lead: "made the leader",
  unlead: "no longer made the leader",
  undo: "undone",
};

export const number = (value) => (Number.isInteger(value) ? whole.format(value) : fine.format(value));
export const share = (value) => percent.format(value);
export const many = (count, one, several = `${one}s`) => `${whole.format(count)} ${count === 1 ? one : several}`;

export function when(text) {
  const time = new Date(text);
  return Number.isNaN(time.valueOf()) ? String(text ?? "") : moment.format(time);
}

/** A length of time as a person says it; `seconds` may be null. */
export function lasting(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 90) return "a minute";
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${whole.format(Math.round(seconds / 86400))} days`;
}

/** Any value of a row or a recipe as text. */
export function said(value) {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return fine.format(value).replaceAll(",", "");
  return typeof value === "string" ? value : JSON.stringify(value);
}

// The keyboard: one table of keys, read by what listens and by the help.

import { $, button, fill, make } from "./dom.js";

/** [keys, what they do, section]: filled by `start`. A key is event.key in small letters, "shift+t" or "ctrl+z". */
let table = [];
let byKey = new Map();

/** `keys`: [{keys, what, run, held?, repeats?, hidden?}], in sections: {title: [..]}. `allowed()`: whether keys may act now. */
export function start(sections, allowed) {
  table = Object.entries(sections);
  byKey = new Map(table.flatMap(([, keys]) => keys.flatMap((one) => one.keys.map((key) => [key, one]))));
  addEventListener("keydown", (event) => press(event, allowed));
  addEventListener("keyup", (event) => byKey.get(nameOf(event))?.released?.());
  addEventListener("blur", () => [...byKey.values()].forEach((one) => one.released?.())); // the key may come up elsewhere
}

function press(event, allowed) {
  if (event.defaultPrevented || event.isComposing || isTyping(event.target) || !allowed()) return;
  const name = nameOf(event);
  const found = byKey.get(name);
  if (!found || usesItself(event.target, name)) return;
  event.preventDefault();
  if (!event.repeat || found.repeats) found.run(event);
}

/** Keyboards with other letters have the same places: there "a" is where it is on a Latin one. */
function nameOf(event) {
  if (!event.key) return ""; // a browser that fills in a field says so with a key that is none
  let key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (/^[^\x00-\x7f]$/.test(key) && event.code.startsWith("Key")) key = event.code.slice(3).toLowerCase();
  if (event.metaKey || event.ctrlKey) return `ctrl+${event.shiftKey ? "shift+" : ""}${key}`;
  if (event.altKey) return `alt+${key}`;
  return event.shiftKey && /^[a-z]$/.test(key) ? `shift+${key}` : key;
}

export function isTyping(target) {
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

/** A button that has the focus is pressed by Enter and the space bar, whatever else they do. */
function usesItself(target, name) {
  if (/^(Arrow|Page|Home|End)/.test(name) && target.closest?.("pre")) return true; // it scrolls
  return (name === "Enter" || name === " ") && target.closest?.("button, a, summary, [role=menuitem]");
}

const SPOKEN = {
  " ": "Space",
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  PageUp: "Page up",
  PageDown: "Page down",
  Escape: "Esc",
};

function keycaps(keys) {
  return keys.flatMap((key, at) => {
    const parts = key
      .split("+")
      .map((part) => SPOKEN[part] ?? (part.length === 1 ? part.toUpperCase() : part[0].toUpperCase() + part.slice(1)));
    return [at ? " " : null, make("kbd", { text: parts.join(" + ") })];
  });
}

export function showHelp() {
  const help = $("help");
  fill(
    help,
    make(
      "header",
      {},
      make("h2", { id: "help-title", text: "Keys" }),
      button("close", "Close", () => help.close(), { drawing: "cross", word: "" }),
    ),
    make(
      "div",
      { class: "sections", tabindex: "-1" },
      table.map(([title, keys]) => section(title, keys)),
    ),
  );
  if (!help.open) help.showModal();
  help.querySelector(".sections").focus({ preventScroll: true }); // not its close button: the arrows scroll
}

function section(title, keys) {
  const lines = keys.map(({ keys: names, what }) => [make("dt", {}, keycaps(names)), make("dd", { text: what })]);
  return make("section", {}, make("h3", { text: title }), make("dl", {}, lines));
}

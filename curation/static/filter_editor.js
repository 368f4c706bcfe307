// The window in which a filter is chosen: boxes to tick, a range, or words, as the column is.

import { actions } from "./dialogs.js";
import { button, make } from "./dom.js";

const SEARCHED_FROM = 12; // values; fewer are seen at a glance

/** A form for `column`, which stands at `values` now; calls `close` with the new values, or with null for none. */
export function editor(column, values, close) {
  const { element, read } = fieldOf(column, values);
  const submitted = (event) => {
    event.preventDefault();
    const chosen = read();
    close(chosen.length ? chosen : null);
  };
  const ways = [
    button("cancel", "Cancel", () => close()),
    make("button", { type: "submit", class: "strong", "data-action": "save", text: "Show" }),
  ];
  return make("form", { onsubmit: submitted, class: "editor" }, element, actions(ways));
}

function fieldOf(column, values) {
  if (column.kind === "flag")
    return choice(
      [
        ["1", "yes"],
        ["0", "no"],
      ],
      values,
      "radio",
    );
  if (column.values?.length)
    return choice(
      column.values.map((value) => [value, value]),
      values,
      "checkbox",
    );
  const ranges = column.kind === "number" || column.kind === "time";
  if (ranges && fits(column, values)) return range(column, values);
  return texts(column, values, ranges ? "Any of these, one a line; a range is written 2..4.5" : undefined);
}

function choice(options, values, type) {
  const boxes = options.map(([value, label]) => {
    const box = make("input", { type, name: "value", value });
    box.checked = values.includes(value);
    return make("label", { class: "check" }, box, make("span", { text: label }));
  });
  const list = make("div", { class: "boxes" }, boxes);
  const search = make("input", { type: "search", placeholder: "Find", "aria-label": "Find a value" });
  search.addEventListener("input", () => {
    for (const box of boxes) box.hidden = !box.textContent.toLowerCase().includes(search.value.toLowerCase());
  });
  const read = () => [...list.querySelectorAll("input:checked")].map((box) => box.value);
  return { element: make("div", {}, options.length > SEARCHED_FROM ? search : null, list), read };
}

/** Whether two fields can hold what was asked for. */
function fits(column, values) {
  return values.length < 2 && (column.kind === "number" || /^(\d{4}-\d\d-\d\d|[.]{2})*$/.test(values[0] ?? ""));
}

/** "from..to" of numbers or days; either end may be open. */
function range(column, values) {
  const type = column.kind === "time" ? "date" : "text";
  const of = type === "date" ? " (a day, UTC)" : "";
  const [from, to] =
    values.length === 1 && values[0].includes("..") ? values[0].split("..", 2) : [values[0] ?? "", values[0] ?? ""];
  const end = (id, label, value) => {
    const field = make("input", {
      id,
      type,
      inputmode: type === "text" ? "decimal" : null,
      autocomplete: "off",
    });
    field.value = value;
    return [field, make("div", {}, make("label", { for: id, text: label }), field)];
  };
  const [least, one] = end("from", `From${of}`, from);
  const [most, other] = end("to", `To${of}`, to);
  const read = () => {
    const [low, high] = [least.value.trim(), most.value.trim()];
    if (!low && !high) return [];
    return [low === high ? low : `${low}..${high}`];
  };
  return { element: make("div", { class: "range" }, one, other), read };
}

function texts(column, values, told = "Any of these, one a line") {
  const words = column.kind === "words";
  const field = make(words ? "input" : "textarea", { id: "value", rows: words ? null : 4, autocomplete: "off" });
  field.value = values.join("\n");
  queueMicrotask(() => field.focus());
  const hint = words ? "Contains" : told;
  const read = () =>
    field.value
      .split("\n")
      .map((one) => one.trim())
      .filter(Boolean);
  return { element: make("div", {}, make("label", { for: "value", text: hint }), field), read };
}

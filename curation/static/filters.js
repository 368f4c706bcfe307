// The line of filters: a chip for each, a menu of all columns, the order, and what the view is.

import { back, changed, filtersOf, go, layoutOf, settles } from "./address.js";
import { desk, on } from "./desk.js";
import { menu, open } from "./dialogs.js";
import { $, button, fill, icon, make } from "./dom.js";
import { editor } from "./filter_editor.js";
import { isOpened } from "./hands.js";

const LAYOUTS = { grid: "Grid", groups: "Groups together", matrix: "Source × style", xy: "Steps × scales" };

export function start() {
  for (const name of ["view", "setup"]) on(name, draw);
  draw();
}

function draw() {
  const view = desk.view;
  const names = [...new Set([...filtersOf(view).keys()])];
  fill(
    $("filters"),
    isOpened() ? button("back", "Back", back, { drawing: "left", title: "Back to the list (v)", class: "chip" }) : null,
    names.map(chip),
    menu("add-filter", "Filter", columnsToFilter, { drawing: "filter", class: "chip plain" }),
    names.length > 1
      ? button("clear-filters", "Clear", () => go(changed(Object.fromEntries(names.map((name) => [name, null])))), {
          class: "chip plain",
        })
      : null,
    settles(view) ? make("span", { class: "hint", text: "Your decision here settles the disagreement." }) : null,
    make(
      "span",
      { class: "order" },
      menu("layout", `Layout: ${LAYOUTS[layoutOf(view)] ?? "Grid"}`, layouts, {
        class: "chip plain",
        word: LAYOUTS[layoutOf(view)] ?? "Grid",
        opens: true,
      }),
      order(view),
    ),
  );
}

const columnOf = (name) =>
  desk.setup.columns.find((column) => column.name === name) ?? { name, label: name, kind: "text" };

/** A filter: pressed, it is edited; its cross takes it away. */
function chip(name) {
  const column = columnOf(name);
  const text =
    column.kind === "flag"
      ? flagged(column, desk.view.get(name))
      : `${column.label}: ${desk.view.getAll(name).map(shortly).join(", ")}`;
  return make(
    "span",
    { class: "filter", "data-filter": name },
    button("edit-filter", `${text}, change`, () => edit(column), { word: text, class: "chip" }),
    button("remove-filter", `Remove ${column.label}`, () => go(changed({ [name]: null })), {
      drawing: "cross",
      word: "",
      class: "chip",
    }),
  );
}

const flagged = ({ label }, value) => (value === "0" ? `not: ${label}` : label);

function shortly(value) {
  if (value.length > 32) return `${value.slice(0, 31)}…`;
  const range = /^(.*)\.\.(.*)$/.exec(value);
  if (!range) return value;
  return range[1] && range[2] ? `${range[1]} to ${range[2]}` : range[1] ? `from ${range[1]}` : `to ${range[2]}`;
}

function columnsToFilter() {
  const used = new Set(desk.view.keys());
  return desk.setup.columns
    .filter((column) => !used.has(column.name))
    .map((column) => ({ name: column.label, action: `filter-${column.name}`, run: () => edit(column) }));
}

async function edit(column) {
  if (column.kind === "flag" && !desk.view.has(column.name)) return go(changed({ [column.name]: "1" }));
  const values = await open(column.label, (close) => editor(column, desk.view.getAll(column.name), close), {
    name: "edit-filter",
  });
  if (values !== undefined) go(changed({ [column.name]: values }));
  return undefined;
}

function layouts() {
  const now = layoutOf(desk.view);
  const plane = desk.view.has("source") && desk.view.has("style");
  return Object.entries(LAYOUTS)
    .filter(([layout]) => layout !== "xy" || plane || now === "xy")
    .map(([layout, name]) => ({
      name,
      checked: layout === now,
      action: `layout-${layout}`,
      run: () => go(changed({ layout })),
    }));
}

/** By what the list is ordered, and which way. */
function order(view) {
  if (["matrix", "xy"].includes(layoutOf(view))) return null;
  const sorts = desk.setup.columns.filter((column) => column.sorts);
  const now = view.get("sort") ?? "";
  const down = view.get("descending") === "1";
  const options = [["", "As made"], ...sorts.map(({ name, label }) => [name, label])].map(([value, label]) =>
    make("option", { value, text: label, selected: value === now }),
  );
  const choose = make(
    "select",
    {
      id: "sort",
      "aria-label": "Order",
      class: "chip plain",
      onchange: () => go(changed({ sort: choose.value || null, descending: choose.value && down ? "1" : null })),
    },
    options,
  );
  const turn = make("button", {
    type: "button",
    class: "chip plain",
    "data-action": "direction",
    "aria-label": down ? "The largest first; turn round" : "The smallest first; turn round",
    title: down ? "The largest first" : "The smallest first",
    disabled: !now,
    onclick: () => go(changed({ descending: down ? null : "1" })),
  });
  turn.append(icon(down ? "down" : "up"));
  return [choose, turn];
}

// The top of the page: the named views, and the tools.

import { VIEWS, filtersOf, go, nameOf } from "./address.js";
import * as becoming from "./becoming.js";
import { everything } from "./bulk.js";
import { undo } from "./deciding.js";
import { desk, on } from "./desk.js";
import { menu } from "./dialogs.js";
import { $, button, fill, make } from "./dom.js";
import { finish } from "./finish.js";
import * as grid from "./grid.js";
import { showHelp } from "./keys.js";
import * as panel from "./panel.js";
import { themes } from "./themes.js";

export function start() {
  drawViews();
  on("view", drawViews);
  fill(
    $("tools"),
    button("undo", "Undo", undo, { drawing: "undo", word: "", title: "Undo (z)" }),
    menu("size", "Size of the pictures", sizes, { drawing: "size", word: "", title: "Size" }),
    button("explain", "Details", panel.toggle, { drawing: "panel", word: "", title: "Details (e)" }),
    button("becoming", "What the collection becomes", becoming.toggle, {
      drawing: "chart",
      word: "",
      title: "What the collection becomes (w)",
    }),
    button("help", "Keys", showHelp, { drawing: "help", word: "", title: "Keys (?)" }),
    menu("menu", "Menu", entries, { drawing: "menu", word: "", title: "Menu" }),
    button("finish", "Finish…", finish, { class: "outline" }),
  );
}

function drawViews() {
  const here = nameOf(desk.view);
  const links = VIEWS.map(({ name, query, what }) => {
    const followed = (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return; // into a tab of its own
      event.preventDefault();
      go(query);
      $("grid").focus({ preventScroll: true });
    };
    return make("a", {
      href: `/?${query}`,
      text: name,
      title: what,
      "data-view": name,
      "aria-current": name === here ? "page" : null,
      onclick: followed,
    });
  });
  fill($("views"), links);
  $("views").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function sizes() {
  return ["small", "medium", "large"].map((name) => ({
    name: name[0].toUpperCase() + name.slice(1),
    checked: grid.size() === name,
    run: () => grid.resize(name),
  }));
}

function entries() {
  const filters = filtersOf(desk.view);
  return [
    { name: "Accept all of this view…", action: "accept-all", run: () => everything("accept") },
    { name: "Reject all of this view…", action: "reject-all", run: () => everything("reject") },
    { name: "Undecide all of this view…", action: "undecide-all", run: () => everything("undecide") },
    { line: true },
    { name: "Export as CSV", what: "what these filters show", action: "export-csv", href: `/export.csv?${filters}` },
    {
      name: "Export as Parquet",
      what: "what these filters show",
      action: "export-parquet",
      href: `/export.parquet?${filters}`,
    },
    { line: true },
    { name: "Ledger", action: "ledger", href: "/ledger" },
    { name: "Agreement", action: "agreement", href: "/agreement" },
    { line: true },
    ...themes(),
    ...(desk.setup.can_log_out
      ? [{ line: true }, { name: `Log out ${desk.setup.curator}`, action: "log-out", run: logOut }]
      : []),
  ];
}

function logOut() {
  const token = make("input", {
    type: "hidden",
    name: "csrf",
    value: document.querySelector('meta[name="csrf-token"]').content,
  });
  const form = make("form", { method: "post", action: "/logout", hidden: true }, token);
  document.body.append(form);
  form.submit();
}

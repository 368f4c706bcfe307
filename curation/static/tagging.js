// Tags, notes and names: what a person says in words.

import * as cursor from "./cursor.js";
import { say } from "./deciding.js";
import { announce, complain, desk } from "./desk.js";
import { actions, askText, open } from "./dialogs.js";
import { button, make } from "./dom.js";
import { keep, kept } from "./kept.js";
import { fetchRow, rowOf } from "./rows.js";

export async function tag() {
  const number = cursor.number();
  if (!number) return;
  const row = await fetchRow(number).catch(complain);
  const value = await open("Tag", (close) => tagForm(row?.tags ?? [], close));
  if (value) addTag(number, value);
}

/** The last tag once more. */
export function tagAgain() {
  const last = kept("last tag");
  if (!last) return announce("Nothing was tagged yet: t tags");
  if (cursor.number()) addTag(cursor.number(), last);
  return undefined;
}

function addTag(number, value) {
  keep("last tag", value);
  const filtered = desk.setup.columns.find((column) => column.name === "tag");
  for (const known of new Set([desk.setup.tags, filtered?.values ?? []])) if (!known.includes(value)) known.push(value);
  const has = rowOf(number)?.tags.includes(value);
  say([{ number, action: has ? "untag" : "tag", value }], has ? `No longer tagged “${value}”` : `Tagged “${value}”`);
}

function tagForm(present, close) {
  const field = make("input", { id: "tag", maxlength: 64, list: "tags", autocomplete: "off" });
  const known = desk.setup.tags.slice(0, 40).map((value) => {
    const chosen = make("button", {
      type: "button",
      class: "chip",
      "data-tag": value,
      "aria-pressed": String(present.includes(value)),
      text: value,
    });
    chosen.addEventListener("click", () => close(value));
    return chosen;
  });
  const form = make(
    "form",
    {
      onsubmit: (event) => {
        event.preventDefault();
        close(field.value.trim());
      },
    },
    make("label", { for: "tag", text: "A word or a few. Shift + T gives the last one again." }),
    field,
    make(
      "datalist",
      { id: "tags" },
      desk.setup.tags.map((value) => make("option", { value })),
    ),
    known.length ? make("div", { class: "chips" }, known) : null,
    actions(
      button("cancel", "Cancel", () => close()),
      make("button", { type: "submit", class: "strong", "data-action": "save", text: "Tag" }),
    ),
  );
  queueMicrotask(() => field.focus());
  return form;
}

export async function writeNote() {
  const number = cursor.number();
  if (!number) return;
  const row = await fetchRow(number).catch(complain);
  const note = await askText("Note", { label: "For the others and for later", value: row?.note ?? "", long: true });
  if (note !== undefined) say([{ number, action: "note", note }], "Note written");
}

export async function rename() {
  const number = cursor.number();
  if (!number) return;
  const row = await fetchRow(number).catch(complain);
  const value = await askText("Name", { label: "Its name in the new collection", value: row?.name ?? "", most: 200 });
  if (value !== undefined) say([{ number, action: "rename", value }], "Renamed");
}

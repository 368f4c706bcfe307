// Why a candidate looks as it does: picture and source, recipe, scores, opinions, history, what accepting it would do.

import { get } from "./api.js";
import { effect, effectOf } from "./becoming.js";
import * as cursor from "./cursor.js";
import { decide, flagsOf, say, toggleMore, toggleStar } from "./deciding.js";
import { complain, desk, on } from "./desk.js";
import { $, button, fill, make, picture } from "./dom.js";
import { keep, kept } from "./kept.js";
import { ACCEPTED, DISAGREED, HIDDEN, MORE, REJECTED, STARRED, VERDICT } from "./marks.js";
import { fetchRow, rowOf } from "./rows.js";
import { rename, tag, writeNote } from "./tagging.js";
import { PAST, VERDICTS, number as written, said, when } from "./words.js";

const panel = $("panel");
const REST = 250; // milliseconds on one candidate before its history is asked for
panel.hidden = !kept("panel", innerWidth >= 1200); // before the list comes, so that the grid is laid out once
let timer = 0;
let slow = null; // the parts that come later, kept while the same candidate stays

export function start() {
  for (const name of ["cursor", "flags", "rows"]) on(name, draw);
  on("explain", toggle);
  draw();
}

export function toggle() {
  panel.hidden = !panel.hidden;
  keep("panel", !panel.hidden);
  if (!panel.hidden && innerWidth < 1600) $("becoming").hidden = true;
  draw();
}

function draw() {
  if (panel.hidden) return;
  const number = cursor.number();
  const row = rowOf(number);
  if (!number) return fill(panel, make("p", { class: "quiet", text: "No candidate is chosen." }));
  if (!row && cursor.isApart())
    return fetchRow(number)
      .then((found) => found && number === cursor.number() && draw())
      .catch(complain);
  if (!row) return undefined; // the grid asks for it
  if (slow?.number !== number) later(number);
  const kept = panel.scrollTop;
  fill(
    panel,
    heading(row),
    pictures(row),
    verdictButtons(number),
    opinions(row),
    words(row),
    scores(row),
    slow.effect,
    recipe(row),
    slow.history,
  );
  panel.scrollTop = kept;
  return undefined;
}

/** History and effect are asked for only when a person stays: decided candidates fly by. */
function later(number) {
  const before = slow;
  slow = { number, effect: make("section", { class: "effect" }), history: make("section", { class: "history" }) };
  if (before) slow.effect.style.minHeight = `${before.effect.offsetHeight}px`; // what is below does not jump
  clearTimeout(timer);
  timer = setTimeout(async () => {
    if (slow.number !== number || panel.hidden) return;
    const here = slow;
    try {
      const [{ entries }, becomes] = await Promise.all([get(`/api/history/${number}`), effectOf(number)]);
      fill(here.history, entries.length ? [make("h3", { text: "History" }), history(entries)] : []);
      fill(here.effect, becomes.this?.traits.length ? effect(becomes.this) : []);
      here.effect.style.minHeight = "";
    } catch (error) {
      complain(error);
    }
  }, REST);
}

function heading(row) {
  const state = VERDICTS[flagsOf(row.number) & VERDICT];
  return make(
    "header",
    {},
    make("h2", { class: "numbers", text: written(row.number) }),
    make("span", { class: "state", text: row.name ? `${row.name} · ${state}` : state }),
    button("close-panel", "Close", toggle, { drawing: "cross", word: "" }),
  );
}

function pictures(row) {
  const large = picture(row.image, `Candidate ${row.number}`);
  const source = picture(row.source_image, `Source ${said(row.source)}`);
  return make(
    "div",
    { class: "pictures" },
    make("figure", { class: row.freed ? "large freed" : "large" }, large),
    make("figure", { class: "small" }, source, make("figcaption", { text: `source ${said(row.source)}` })),
    make("p", { class: "prompt", text: row.prompt }),
  );
}

function verdictButtons(number) {
  const flags = flagsOf(number);
  const pressed = (on) => ({ "aria-pressed": String(on) });
  return make(
    "div",
    { class: "verdicts" },
    button("reject", "Reject", () => decide("reject"), {
      drawing: "cross",
      ...pressed((flags & VERDICT) === REJECTED),
    }),
    button("accept", "Accept", () => decide("accept"), {
      drawing: "check",
      ...pressed((flags & VERDICT) === ACCEPTED),
    }),
    button("star", "Star", toggleStar, {
      drawing: "star",
      word: "",
      title: "Star (s)",
      ...pressed((flags & STARRED) !== 0),
    }),
    button("more", "More like this", toggleMore, {
      drawing: "more",
      word: "",
      title: "More like this (m)",
      ...pressed((flags & MORE) !== 0),
    }),
  );
}

/** What others said; while it is hidden, only that somebody spoke. */
function opinions(row) {
  const flags = flagsOf(row.number);
  if (flags & HIDDEN) return make("p", { class: "hint", text: "1 opinion, hidden until you decide" });
  const lines = Object.entries(row.opinions ?? {}).map(([curator, verdict]) => [
    make("dt", { text: curator === desk.setup.curator ? `${curator} (you)` : curator }),
    make("dd", { text: PAST[verdict] ?? verdict }),
  ]);
  if (!lines.length) return null;
  const title = flags & DISAGREED ? "Opinions · they disagree" : "Opinions";
  return make("section", {}, make("h3", { text: title }), make("dl", { class: "pairs" }, lines));
}

function words(row) {
  const untag = (value) => say([{ number: row.number, action: "untag", value }], `No longer tagged “${value}”`);
  const tags = row.tags.map((value) =>
    button("untag", `Take the tag ${value} away`, () => untag(value), { word: value, class: "chip gone" }),
  );
  return make(
    "section",
    { class: "words" },
    make(
      "div",
      { class: "chips" },
      tags,
      small("tag", "+ tag", tag),
      small("note", row.note ? "edit the note" : "+ note", writeNote),
      small("rename", row.name ? "rename" : "+ name", rename),
      leader(row),
    ),
    row.note ? make("p", { class: "note", text: row.note }) : null,
  );
}

/** One that is not the leader can be made it. */
function leader(row) {
  if (!(row.group_size > 1) || row.leader === row.number) return null;
  return small("lead", "lead its group", () =>
    say([{ number: row.number, action: "lead" }], "Made the leader of its group"),
  );
}

const small = (action, name, run) => button(action, name, run, { class: "chip plain" });

function scores(row) {
  const warnings = [
    row.flat && "flat",
    row.unchanged && "unchanged",
    row.copy_of && `copy of ${row.copy_of}`,
    row.earlier && "as in an earlier collection",
  ];
  const group =
    row.group_size > 1 ? `${row.group_size} alike${row.leader === row.number ? ", this one leads" : ""}` : "alone";
  return pairs("Scores", [
    ["score", row.score?.toFixed(4)],
    ["structure kept", row.structure?.toFixed(4)],
    ["CLIP score", row.clip_score?.toFixed?.(4)],
    ["bits from its source", row.source_bits],
    ["group", group],
    ["twin", row.twin],
    ["beware", warnings.filter(Boolean).join(", ")],
  ]);
}

function recipe(row) {
  const made = [
    ["insertion step", row.steps ? `${row.insertion_step} of ${row.steps}` : row.insertion_step],
    ["guidance scale", row.guidance_scale],
    ["mode", row.mode],
    ["seed", row.seed],
    ["sampler", row.sampler],
    ["model", row.model],
    ["made", row.made_at && `${when(row.made_at)}${row.seconds ? `, in ${said(row.seconds)} s` : ""}`],
    ["by", row.worker],
    ["token", row.token],
  ];
  const all = make("pre", {
    text: JSON.stringify(row.recipe ?? {}, null, 2),
    tabindex: "0",
    "aria-label": "The whole recipe",
  });
  return make(
    "div",
    {},
    pairs("Recipe", made),
    make("details", {}, make("summary", { text: "every input" }), all, make("p", { class: "id", text: row.id })),
  );
}

function pairs(title, given) {
  const lines = given.filter(([, value]) => value !== null && value !== undefined && value !== "");
  const written = lines.map(([name, value]) => [make("dt", { text: name }), make("dd", { text: said(value) })]);
  return make("section", {}, make("h3", { text: title }), make("dl", { class: "pairs" }, written));
}

function history(entries) {
  return make(
    "ol",
    {},
    entries.map((entry) =>
      make(
        "li",
        { class: entry.undone ? "undone" : null },
        make("span", {
          text: `${entry.curator} · ${PAST[entry.action] ?? entry.action}${entry.value ? ` “${entry.value}”` : ""}${entry.settles ? ", settling it" : ""}`,
        }),
        make("small", { text: `${when(entry.decided_at)}${entry.undone ? " · taken back" : ""}` }),
        entry.note ? make("p", { class: "note", text: entry.note }) : null,
      ),
    ),
  );
}

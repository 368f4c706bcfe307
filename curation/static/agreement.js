// The agreement page: how far each two curators agree, and what was settled, by whom.

import { get } from "./api.js";
import { menu } from "./dialogs.js";
import { $, fill, make } from "./dom.js";
import { themes } from "./themes.js";
import { PAST, many, number as written, share, when } from "./words.js";

async function start() {
  fill($("tools"), menu("theme", "Light or dark", themes, { drawing: "theme", word: "" }));
  const { pairs, disagreements, settled } = await get("/api/agreement");
  fill(
    $("agreement"),
    pairs.length ? pairs.map(pair) : make("p", { text: "No two curators decided the same candidate yet." }),
    open(disagreements),
    done(settled),
  );
}

function pair({ curators, both, agree, kappa, counts }) {
  const [one, other] = curators;
  const said = kappa === null ? "kappa cannot be said" : `kappa ${kappa.toFixed(2)}`;
  const summary = `${many(both, "candidate")} decided by both, ${written(agree)} alike${both ? ` (${share(agree / both)})` : ""}`;
  return make(
    "section",
    { class: "pair" },
    make("h3", { text: `${one} and ${other}` }),
    make("p", { class: "kappa", text: said }),
    make("p", { class: "quiet", text: summary }),
    both ? crossed(one, other, counts) : null,
  );
}

/** What one said, down; what the other said, across. */
function crossed(one, other, counts) {
  const verdicts = ["accept", "reject"];
  const head = verdicts.map((verdict) => make("th", { scope: "col", text: `${other} ${PAST[verdict]}` }));
  const lines = verdicts.map((down) =>
    make(
      "tr",
      {},
      make("th", { scope: "row", text: `${one} ${PAST[down]}` }),
      verdicts.map((across) => make("td", { class: "numbers", text: written(counts[down]?.[across] ?? 0) })),
    ),
  );
  return make(
    "table",
    { "aria-label": `${one} and ${other}` },
    make("thead", {}, make("tr", {}, make("td"), head)),
    make("tbody", {}, lines),
  );
}

function open(disagreements) {
  const link = make("a", { href: "/?layout=grid&disagreed=1", text: "Settle them" });
  const text = disagreements
    ? `${many(disagreements, "disagreement is", "disagreements are")} not settled. `
    : "No disagreement is open.";
  return make("section", {}, make("h3", { text: "Disagreements" }), make("p", {}, text, disagreements ? link : null));
}

function done(settled) {
  if (!settled.length) return null;
  const names = ["Candidate", "Settled as", "By", "When", "Opinions"].map((text) => make("th", { scope: "col", text }));
  const lines = settled.map((one) =>
    make(
      "tr",
      {},
      make("td", { class: "numbers" }, make("a", { href: `/?layout=grid#${one.number}`, text: written(one.number) })),
      make("td", { text: PAST[one.verdict] ?? one.verdict }),
      make("td", { text: one.curator }),
      make("td", { text: when(one.decided_at) }),
      make("td", {
        text: Object.entries(one.opinions ?? {})
          .map(([name, verdict]) => `${name} ${PAST[verdict] ?? verdict}`)
          .join(", "),
      }),
    ),
  );
  return make(
    "section",
    {},
    make("h3", { text: "Settled" }),
    make("table", { "aria-label": "Settled" }, make("thead", {}, make("tr", {}, names)), make("tbody", {}, lines)),
  );
}

start().catch((error) => ($("announce").textContent = error.message));

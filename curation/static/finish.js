// The end of a review: what is left open, who settled what, and what pressing the button starts.

import { get, post } from "./api.js";
import { announce, complain, desk } from "./desk.js";
import { actions, open } from "./dialogs.js";
import { button, fill, make } from "./dom.js";
import { capital, many } from "./words.js";

const STATES = { running: "It is running.", done: "It is done.", failed: "It failed." };

const SOON = 50; // milliseconds

export async function finish() {
  try {
    await allSaved();
    const now = await get("/api/finish");
    await open("Finish the review", (close) => content(now, now.settled, close), { name: "finish" });
  } catch (error) {
    complain(error);
  }
}

/** What was said just now counts, too: a review is not ended over the head of steps that are still on their way. */
async function allSaved() {
  for (let told = false; desk.outbox.count; told = true) {
    if (desk.outbox.away) throw new Error("What you decided last is not saved yet. Finish the review when it is.");
    if (!told) announce("Saving what you decided last…");
    await new Promise((resolve) => setTimeout(resolve, SOON));
  }
}

function content(now, settled, close) {
  const place = make("div", { role: "status" });
  const note = make("input", { id: "finish-note", maxlength: 4000, autocomplete: "off" });
  const form = make("form", { onsubmit: press });

  async function press(event) {
    event.preventDefault();
    form.querySelector("[data-action=finish-now]").disabled = true;
    try {
      show(await post("/api/finish", { note: note.value.trim() }));
      announce("The review is finished");
      watch();
    } catch (error) {
      fill(place, make("p", { class: "wrong", text: error.message }));
      form.querySelector("[data-action=finish-now]").disabled = false;
    }
  }
  async function watch() {
    while (form.isConnected) {
      await new Promise((resolve) => setTimeout(resolve, 2000));
      const later = await get("/api/finish").catch(() => null);
      if (later) show(later);
      if (later && later.state !== "running") return;
    }
  }
  function show(later) {
    const open = later.state === "open" || later.state === "failed";
    const ways = [
      button("cancel", open ? "Not yet" : "Close", () => close()),
      open
        ? make("button", { type: "submit", class: "strong", "data-action": "finish-now", text: "Finish the review" })
        : null,
    ];
    fill(
      form,
      summary(later),
      who(settled),
      make("p", { class: "what", text: sentence(later.what) }),
      STATES[later.state] ? make("p", { class: "state", text: STATES[later.state] }) : null,
      open ? [make("label", { for: "finish-note", text: "A note to be kept with it, if you like" }), note] : null,
      place,
      actions(ways),
    );
  }
  show(now);
  if (now.state === "running") watch();
  return form;
}

const sentence = (text) => (text ? `${capital(text).replace(/[.]$/, "")}.` : "");

function summary({ needing, disagreements, settled }) {
  const ended = settled.length ?? settled; // the disagreements, or how many
  const lines = [
    needing
      ? `${many(needing, "candidate")} still need${needing === 1 ? "s" : ""} a decision: what is undecided is left out.`
      : "Every candidate is decided.",
    disagreements
      ? `${many(disagreements, "disagreement is", "disagreements are")} not settled.`
      : "No disagreement is open.",
    ended ? `${many(ended, "disagreement")} settled.` : null,
  ];
  return make(
    "ul",
    {},
    lines.filter(Boolean).map((text) => make("li", { text })),
  );
}

function who(settled) {
  if (!settled.length) return null;
  const counts = new Map();
  for (const { curator } of settled) counts.set(curator, (counts.get(curator) ?? 0) + 1);
  const names = [...counts].map(([curator, count]) => `${curator} settled ${count}`).join(", ");
  return make("p", {}, `${names}. `, make("a", { href: "/agreement", text: "See which" }));
}

// One verdict for all of a view: the number is said first, and one undo takes it back.

import { filtersOf } from "./address.js";
import { Refused, get, newRequest, post } from "./api.js";
import { remember, renew } from "./deciding.js";
import { announce, complain, desk, tell } from "./desk.js";
import { actions, open } from "./dialogs.js";
import { button, make } from "./dom.js";
import { PAST, many, number as written } from "./words.js";

const WORD = { accept: "Accept", reject: "Reject", undecide: "Undecide" };

export async function everything(action) {
  try {
    await settled();
    const counts = await get(`/api/count?${filtersOf(desk.view)}`);
    const chosen = await open(`${WORD[action]} all of this view`, (close) => question(action, counts, close), {
      name: "bulk",
    });
    if (chosen) await carryOut(action, chosen);
  } catch (error) {
    complain(error);
  }
}

/** What was said one by one comes first. */
async function settled() {
  for (let tries = 0; desk.outbox.count && tries < 50; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 100));
  if (desk.outbox.count) throw new Error("Decisions wait to be saved: try again once the server is back.");
}

function question(action, { count, needing }, close) {
  const onlyNeeding = make("input", { type: "checkbox", id: "only-needing" });
  onlyNeeding.checked = action !== "undecide";
  const sentence = make("p");
  const go = make("button", { type: "submit", class: "strong", "data-action": "bulk" });
  const say = () => {
    const number = onlyNeeding.checked ? needing : count;
    sentence.textContent = number
      ? `${many(number, "candidate")} will be ${PAST[action]}. One undo takes it back.`
      : `There is nothing here that could be ${PAST[action]}.`;
    go.textContent = `${WORD[action]} ${many(number, "candidate")}`;
    go.disabled = !number;
  };
  onlyNeeding.addEventListener("change", say);
  say();
  const choice = make(
    "label",
    { class: "check" },
    onlyNeeding,
    make("span", { text: onlyThose(needing) }),
  );
  const submitted = (event) => {
    event.preventDefault();
    close({ onlyNeeding: onlyNeeding.checked, count: onlyNeeding.checked ? needing : count });
  };
  return make(
    "form",
    { onsubmit: submitted },
    sentence,
    action === "undecide" ? null : choice,
    actions(
      button("cancel", "Cancel", () => close()),
      go,
    ),
  );
}

async function carryOut(action, { onlyNeeding, count }) {
  const request = newRequest();
  const body = { request, view: filtersOf(desk.view).toString(), action, only_needing: onlyNeeding, count };
  let answer;
  try {
    answer = await post("/api/say_all", body, 300_000);
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 409) throw error;
    return askAgain(action, error.body.count, onlyNeeding);
  }
  if (answer.added) remember(request);
  desk.progress = answer.progress;
  tell("progress");
  await renew();
  announce(`${many(count, "candidate")} ${PAST[action]} · undo with z`);
  return undefined;
}

function onlyThose(needing) {
  if (needing === 1) return "only the one that still needs your decision";
  return `only the ${written(needing)} that still need your decision`;
}

/** Somebody else was at it: say the number that it is now. */
async function askAgain(action, count, onlyNeeding) {
  const sentence = `Meanwhile there are ${many(count, "candidate")}.`;
  const sure = await open(`${WORD[action]} all of this view`, (close) => {
    const go = button("bulk", `${WORD[action]} ${many(count, "candidate")}`, () => close(true), { class: "strong" });
    return make(
      "div",
      {},
      make("p", { text: sentence }),
      actions(
        button("cancel", "Cancel", () => close()),
        go,
      ),
    );
  });
  if (sure) await carryOut(action, { onlyNeeding, count });
}

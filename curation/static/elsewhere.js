// What a page says when somebody else has logged in in another tab: it shows what one curator sees, and must not go on
// as if that were still who decides.

import { desk, on } from "./desk.js";
import { actions, open } from "./dialogs.js";
import { button, make } from "./dom.js";
import { many } from "./words.js";

let told = ""; // whom the page spoke of: once is enough, the line below goes on saying it

export function start() {
  on("elsewhere", (name) => {
    if (told === name) return;
    told = name;
    open("Somebody else is logged in", (close) => content(name, close), { name: "elsewhere" });
  });
}

function content(name, close) {
  const waiting = desk.outbox?.count ?? 0;
  const who = document.querySelector('meta[name="curator"]').content; // of the page, whatever was learned since
  const unsaved = `${many(waiting, "decision")} of ${who} ${waiting === 1 ? "is" : "are"} not saved yet`;
  const kept = waiting
    ? `${unsaved}: kept in this browser, and sent when ${who} logs in again.`
    : `All that ${who} decided is saved.`;
  return make(
    "div",
    {},
    make("p", { text: `${name} logged in in another tab. This page is ${who}’s.` }),
    make("p", { text: kept }),
    actions(
      button("stay", "Stay", () => close()),
      button("reload", `Go on as ${name}`, () => location.reload(), { class: "strong" }),
    ),
  );
}

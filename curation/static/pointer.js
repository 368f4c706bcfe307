// Mouse and finger over the grid: a click puts the cursor there, a double click or a tap looks closer, and under a
// mouse's pointer a cell shows three small buttons.

import * as cursor from "./cursor.js";
import { decide, toggleStar } from "./deciding.js";
import { $, button, make } from "./dom.js";
import * as zoom from "./zoom.js";

const grid = $("grid");
const buttons = make(
  "div",
  { class: "hover", role: "presentation" },
  act("accept", "Accept", "check", () => decide("accept")),
  act("reject", "Reject", "cross", () => decide("reject")),
  act("star", "Star", "star", toggleStar),
);

/** The buttons follow the pointer: one set of them for all cells. They are no stops of the tab key: keys do the same. */
function act(action, name, drawing, run) {
  const pressed = (event) => {
    event.stopPropagation();
    const at = placeOf(event.target);
    if (cursor.to(at, { quiet: true })) run();
    grid.focus({ preventScroll: true });
  };
  return button(action, name, pressed, { drawing, word: "", title: name, tabindex: "-1" });
}

let finger = false; // the last press; older browsers do not say it with the click

export function start() {
  grid.addEventListener("pointerdown", ({ pointerType }) => (finger = pointerType !== "mouse"));
  grid.addEventListener("pointerover", (event) => event.pointerType === "mouse" && hover(event.target));
  grid.addEventListener("pointerleave", () => buttons.remove());
  grid.addEventListener("click", (event) => {
    if (event.target.closest(".hover")) return;
    if (cursor.to(placeOf(event.target), { quiet: true }) && finger) zoom.open();
  });
  grid.addEventListener("dblclick", (event) => {
    if (!event.target.closest(".hover") && placeOf(event.target) >= 0) zoom.open();
  });
}

function hover(target) {
  const cell = target.closest?.(".cell:not(.empty)");
  if (cell && buttons.parentElement !== cell) cell.append(buttons);
}

function placeOf(target) {
  const id = target.closest?.(".cell:not(.empty)")?.id;
  return id ? Number(id.slice("cell-".length)) : -1;
}

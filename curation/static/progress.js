// How far this person is, how far the collection is, how long it will take, and what is not saved yet.

import { get } from "./api.js";
import { complain, desk, on } from "./desk.js";
import { $, fill, make } from "./dom.js";
import { lasting, number as written, share } from "./words.js";

const QUIETLY = 700; // milliseconds that a step may take without a word: most are saved in a few
const AFTERWARDS = 1200; // milliseconds after the last decision: what its answer said may have been counted before it
let timer = 0;
let later = 0;

export function start() {
  on("progress", () => {
    draw();
    clearTimeout(later);
    later = setTimeout(() => ask().catch(() => null), AFTERWARDS); // of a server that is away others tell
  });
  on("pending", drawPending);
  $("unsaved").addEventListener("click", () => desk.outbox?.flush());
}

export async function refresh() {
  try {
    await ask();
  } catch (error) {
    complain(error);
  }
}

async function ask() {
  desk.progress = await get("/api/progress");
  draw();
}

function draw() {
  const { shown, needing, accepted, supply, left_seconds: left, per_minute: pace } = desk.progress;
  const done = shown - needing;
  const inner = make("span");
  inner.style.width = `${shown ? (100 * done) / shown : 0}%`;
  const parts = [
    make(
      "span",
      { title: "decided, by you or without you, of all candidates" },
      make("strong", { text: written(done) }),
      ` / ${written(shown)} decided`,
    ),
    make(
      "span",
      { title: "accepted, of the supply that is wanted" },
      make("strong", { text: written(accepted) }),
      supply ? ` of ${written(supply)} accepted` : " accepted",
    ),
    needing && left !== null
      ? make(
          "span",
          { class: "left", title: pace ? `${written(Math.round(pace))} decisions a minute` : "" },
          make("strong", { text: lasting(left) }),
          " left",
        )
      : null,
  ];
  const track = make(
    "span",
    {
      class: "track",
      role: "progressbar",
      "aria-label": "Decided",
      "aria-valuemin": "0",
      "aria-valuemax": shown,
      "aria-valuenow": done,
      title: share(shown ? done / shown : 0),
    },
    inner,
  );
  fill($("progress"), track, parts);
}

/** "N not saved yet": at once for who measures, for people once it takes longer than saving does. */
function drawPending() {
  const place = $("unsaved");
  const { count, away, refused } = desk.outbox ?? { count: 0 };
  place.dataset.count = count;
  place.textContent = `${written(count)} not saved yet${away ? ` · ${refused ? away : "the server is away, trying again"}` : ""}`;
  place.title = away ? `${away} They are kept in this browser. Click to try now.` : "";
  if (!count) {
    clearTimeout(timer);
    timer = 0;
    place.hidden = true;
  } else if (away) place.hidden = false;
  else timer ||= setTimeout(() => (place.hidden = false), QUIETLY);
}

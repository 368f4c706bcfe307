// The ledger page: everything that was said, the newest first, a hundred entries at a time.

import { get } from "./api.js";
import { menu } from "./dialogs.js";
import { $, button, fill, make, sharpen, thumbOf } from "./dom.js";
import { themes } from "./themes.js";
import { PAST, number as written, when } from "./words.js";

const body = $("ledger").tBodies[0];
const chosen = () => new URLSearchParams(location.search).get("curator") ?? "";

async function start() {
  fill($("tools"), menu("theme", "Light or dark", themes, { drawing: "theme", word: "" }));
  const { curator, others } = await get("/api/setup");
  drawChoice([curator, ...others]);
  addEventListener("popstate", () => more(null));
  await more(null);
}

function drawChoice(names) {
  const options = ["", ...names].map((name) =>
    make("option", { value: name, text: name || "everybody", selected: name === chosen() }),
  );
  const select = make("select", { id: "curator" }, options);
  select.addEventListener("change", () => {
    history.pushState(null, "", select.value ? `?curator=${encodeURIComponent(select.value)}` : location.pathname);
    more(null);
  });
  fill($("choose"), make("label", { for: "curator", text: "Said by" }), select);
}

/** The next page; `before` null begins anew. */
async function more(before) {
  const asked = new URLSearchParams({ ...(before && { before }), ...(chosen() && { curator: chosen() }) });
  try {
    const { entries, next } = await get(`/api/ledger?${asked}`);
    if (!before) body.replaceChildren();
    body.append(...entries.map(line));
    $("announce").textContent = body.rows.length ? "" : "Nothing was said yet.";
    fill($("further"), next ? button("further", "Earlier entries", () => more(next), { class: "outline" }) : null);
  } catch (error) {
    $("announce").textContent = error.message;
  }
}

function line(entry) {
  const image = make("img", { alt: "", loading: "lazy", width: 36, height: 36 });
  sharpen(image);
  if (entry.image) image.src = thumbOf(entry.image);
  const link = make("a", { href: `/?layout=grid#${entry.candidate}`, text: written(entry.candidate) });
  const value = entry.value ? ` “${entry.value}”` : "";
  const what = entry.hidden
    ? "hidden until you decide"
    : `${PAST[entry.action] ?? entry.action}${value}${entry.settles ? ", settling it" : ""}`;
  return make(
    "tr",
    { class: entry.undone ? "undone" : null, "data-entry": entry.number },
    make("td", { class: "numbers", text: written(entry.number) }),
    make("td", { class: "numbers" }, image, link),
    make("td", {}, make("span", { class: "what", text: what }), entry.undone ? " · taken back" : ""),
    make("td", { text: entry.note ?? "" }),
    make("td", { text: entry.curator ?? "" }),
    make("td", {}, make("time", { datetime: entry.decided_at, text: when(entry.decided_at) })),
  );
}

start().catch((error) => ($("announce").textContent = error.message));

// The grid: a list of any length over some eighty cells, which are moved to where one looks.

import { layoutOf } from "./address.js";
import { Cell } from "./cell.js";
import * as cursor from "./cursor.js";
import { desk, on } from "./desk.js";
import { $, make, sharpen, thumbOf } from "./dom.js";
import { keep, kept } from "./kept.js";
import { rowOf, want } from "./rows.js";
import { Ruler } from "./ruler.js";
import { number as written } from "./words.js";

const SIDES = { small: 104, medium: 148, large: 220 }; // pixels of a cell, about
const CAPTION = 20;
const BEYOND = 2; // rows above and below what is seen

const grid = $("grid");
const space = $("space");
const heads = $("heads");
const ruler = new Ruler(grid, space);
const live = new Map(); // row: its element and cells
const spare = [];
const shape = { columns: 1, rows: 0, side: 148, height: 168, left: 0, head: 0, labels: 0, fixed: false };
let span = [0, 0]; // the columns that have cells: [from, to)
let resting = 0;
let ahead = 0; // the candidate that the cursor goes to after a decision

export const columns = () => shape.columns;
export const rowsInView = () => Math.max(1, Math.floor((grid.clientHeight - shape.head) / shape.height));
export const size = () => (SIDES[kept("size")] ? kept("size") : "medium");

export function resize(name) {
  keep("size", name);
  measure();
  reveal();
}

export function start() {
  grid.addEventListener("scroll", scrolled, { passive: true });
  new ResizeObserver(() => {
    if (!desk.list) return;
    measure();
    draw();
  }).observe(grid);
  on("list", ({ stay }) => {
    measure(stay ? ruler.top : 0);
    grid.scrollLeft = stay ? grid.scrollLeft : 0;
    draw();
  });
  on("cursor", ({ quiet }) => {
    ahead = desk.list?.numbers[cursor.nextOpen()] ?? 0;
    if (!quiet) reveal();
    draw();
  });
  on("flags", draw);
  on("rows", draw);
}

/** How many columns there is room for, and how high all is; the row at the top stays there. */
function measure(top) {
  const list = desk.list;
  if (!list) return;
  const before = Math.floor(ruler.top / shape.height) * shape.columns;
  const narrow = grid.clientWidth < 640;
  shape.fixed = list.columns !== null;
  shape.labels = shape.fixed ? (narrow ? 84 : 148) : 0;
  shape.head = shape.fixed ? 40 : 0;
  const wanted = narrow ? { small: 92, medium: 120, large: 180 }[size()] : SIDES[size()];
  const width = grid.clientWidth - 2 * (shape.fixed ? 0 : edge());
  shape.columns = shape.fixed ? Math.max(1, list.columns.length) : Math.max(2, Math.floor(width / wanted));
  shape.side = shape.fixed ? wanted : Math.floor(width / shape.columns);
  shape.height = shape.side + CAPTION;
  shape.left = shape.fixed ? shape.labels : edge() + Math.floor((width - shape.columns * shape.side) / 2);
  shape.rows = Math.ceil(list.count / shape.columns);
  const full = shape.rows * shape.height + shape.head + 12;
  ruler.resize(
    full,
    shape.fixed ? `${shape.labels + shape.columns * shape.side + 12}px` : "100%",
    top ?? Math.floor(before / shape.columns) * shape.height,
  );
  grid.style.setProperty("--side", `${shape.side}px`);
  grid.style.setProperty("--labels", `${shape.labels}px`);
  grid.style.setProperty("--head", `${shape.head}px`);
  grid.classList.toggle("fixed", shape.fixed);
  grid.setAttribute("aria-rowcount", shape.rows + (shape.fixed ? 1 : 0));
  grid.setAttribute("aria-colcount", shape.columns + (shape.fixed ? 1 : 0));
  for (const row of live.keys()) free(row);
  span = [0, 0];
}

const edge = () => (grid.clientWidth < 640 ? 4 : 12);

function scrolled() {
  ruler.scrolled();
  draw();
  clearTimeout(resting);
  resting = setTimeout(() => {
    ruler.rest();
    draw();
  }, 200);
}

/** Bring what is seen, and a little beyond, up to date. */
export function draw() {
  const list = desk.list;
  if (!list) return;
  const top = ruler.top - shape.head;
  const seen = [Math.floor(top / shape.height), Math.ceil((top + grid.clientHeight) / shape.height)];
  const first = Math.max(0, seen[0] - BEYOND);
  const last = Math.min(shape.rows, seen[1] + BEYOND);
  const [from, to] = columnsSeen();
  if (from !== span[0] || to !== span[1]) {
    span = [from, to];
    drawHeads(list);
  }
  for (const row of live.keys()) if (row < first || row >= last) free(row);
  const at = cursor.index();
  for (let row = first; row < last; row += 1) drawRow(list, row, at);
  describeCursor(at);
  want(numbersToKnow(list, seen, first, last));
}

function columnsSeen() {
  if (!shape.fixed) return [0, shape.columns];
  const from = Math.floor(grid.scrollLeft / shape.side);
  const to = Math.ceil((grid.scrollLeft + grid.clientWidth - shape.labels) / shape.side);
  return [Math.max(0, from - 1), Math.min(shape.columns, to + 1)];
}

function free(row) {
  const held = live.get(row);
  live.delete(row);
  held.element.hidden = true;
  spare.push(held);
}

function drawRow(list, row, at) {
  const held = live.get(row) ?? take(row);
  const { element, cells, label } = held;
  while (cells.length < span[1] - span[0]) {
    cells.push(new Cell());
    element.append(cells.at(-1).element);
  }
  const y = ruler.place(shape.head + row * shape.height);
  if (held.y !== y) element.style.transform = `translateY(${(held.y = y)}px)`;
  label.hidden = !shape.fixed;
  if (shape.fixed) headRow(held, row);
  const grouped = layoutOf(desk.view) === "groups";
  cells.forEach((cell, place) => {
    const column = span[0] + place;
    const index = row * shape.columns + column;
    const used = column < span[1] && (shape.fixed || index < list.count);
    if (cell.element.hidden === used) cell.element.hidden = !used;
    if (!used) return;
    const x = shape.left + column * shape.side;
    if (cell.x !== x) cell.element.style.transform = `translateX(${(cell.x = x)}px)`;
    cell.element.setAttribute("aria-colindex", column + 1 + (shape.fixed ? 1 : 0));
    cell.show(list, index, rowOf(list.numbers[index]), index === at);
    const group = grouped ? list.groups[index] : 0;
    cell.join(group > 0, list.groups[index - 1] !== group, list.groups[index + 1] !== group);
  });
}

/** What a row is called; where rows are sources, with the source itself as soon as one of its candidates is known. */
function headRow({ label, image }, row) {
  const list = desk.list;
  const name = list.rows?.[row] ?? "";
  if (label.firstChild.textContent !== name) label.firstChild.textContent = name;
  if (layoutOf(desk.view) !== "matrix") return void (image.hidden = true);
  const start = row * shape.columns;
  const known = list.numbers.subarray(start + span[0], start + span[1]).find((number) => rowOf(number));
  image.hidden = !known;
  const src = known ? thumbOf(rowOf(known).source_image) : "";
  if (image.getAttribute("src") !== src) image.src = src;
}

function take(row) {
  const held = spare.pop() ?? makeRow();
  held.element.hidden = false;
  held.element.setAttribute("aria-rowindex", row + 1 + (shape.fixed ? 1 : 0));
  live.set(row, held);
  return held;
}

function makeRow() {
  const image = make("img", { alt: "", hidden: true });
  sharpen(image);
  const label = make("div", { class: "row-head", role: "rowheader" }, make("span"), image);
  const element = make("div", { class: "row", role: "row" }, label);
  space.append(element);
  return { element, label, image, cells: [], y: null };
}

function drawHeads(list) {
  heads.hidden = !shape.fixed;
  if (!shape.fixed) return;
  const corner = make("div", { class: "corner", role: "columnheader", text: `${list.rowTitle} × ${list.columnTitle}` });
  const titles = list.columns.slice(...span).map((text, place) => {
    const element = make("div", { class: "column-head", role: "columnheader", title: text, text });
    element.setAttribute("aria-colindex", span[0] + place + 2);
    element.style.transform = `translateX(${shape.labels + (span[0] + place) * shape.side}px)`;
    return element;
  });
  heads.replaceChildren(corner, ...titles);
}

/** The grid keeps the focus, and says which of its cells is meant. */
function describeCursor(at) {
  const row = at < 0 ? -1 : Math.floor(at / shape.columns);
  const column = at % shape.columns;
  if (live.has(row) && column >= span[0] && column < span[1]) grid.setAttribute("aria-activedescendant", `cell-${at}`);
  else grid.removeAttribute("aria-activedescendant");
  const count = desk.list.partial ? "…" : written(desk.list.count);
  $("place").textContent = at < 0 ? count : `${written(at + 1)} of ${count}`;
}

/** What is seen, then what is a little beyond it, then the next screen: decided quickly, that one comes soon. */
function numbersToKnow(list, seen, first, last) {
  const rows = [];
  for (let row = Math.max(0, seen[0]); row < Math.min(shape.rows, seen[1]); row += 1) rows.push(row);
  for (let row = last - 1; row >= seen[1]; row -= 1) rows.push(row);
  for (let row = first; row < seen[0]; row += 1) rows.push(row);
  if (!shape.fixed) for (let row = last; row < Math.min(shape.rows, last + seen[1] - seen[0]); row += 1) rows.push(row);
  const numbers = [cursor.number(), ahead];
  for (const row of rows) {
    for (let column = span[0]; column < span[1]; column += 1)
      numbers.push(list.numbers[row * shape.columns + column] ?? 0);
  }
  return numbers;
}

/** Scroll the cursor into view, with a row of its neighbours where there is room. */
export function reveal() {
  const at = cursor.index();
  if (at < 0) return;
  const y = Math.floor(at / shape.columns) * shape.height;
  const room = grid.clientHeight - shape.head;
  const margin = Math.min(shape.height / 2, Math.max(0, (room - shape.height) / 2));
  if (y - margin < ruler.top) ruler.jump(y - margin);
  else if (y + shape.height + margin > ruler.top + room) ruler.jump(y + shape.height + margin - room);
  if (shape.fixed) revealColumn(at % shape.columns);
}

function revealColumn(column) {
  const x = column * shape.side;
  const room = grid.clientWidth - shape.labels;
  if (x < grid.scrollLeft) grid.scrollLeft = x;
  else if (x + shape.side > grid.scrollLeft + room) grid.scrollLeft = x + shape.side - room;
}

// One place of the grid. It is made once and then shows now this candidate, now that one.

import { icon, make, sharpen, thumbOf } from "./dom.js";
import { ACCEPTED, DISAGREED, HIDDEN, LEADS, MORE, REJECTED, STARRED, VERDICT } from "./marks.js";
import { VERDICTS, said } from "./words.js";

export class Cell {
  constructor() {
    this.image = make("img", { alt: "", decoding: "async", draggable: "false" });
    this.source = null; // beside or over the picture, once it was asked for
    this.marks = make("span", { class: "marks" });
    this.size = make("span", { class: "size", hidden: true });
    this.frame = make("span", { class: "frame" }, this.image, this.marks, this.size);
    this.name = make("span", { class: "name" });
    this.score = make("span", { class: "score" });
    this.element = make(
      "div",
      { class: "cell", role: "gridcell" },
      this.frame,
      make("span", { class: "caption" }, this.name, this.score),
    );
    sharpen(this.image);
    this.index = -1;
    this.number = 0;
    this.flags = -1;
    this.row = null;
  }

  /** Show a place of the list; `row` may come later. Past the list's end, or where nobody is, the cell is empty. */
  show(list, index, row, cursor) {
    const number = index < list.count ? list.numbers[index] : 0;
    if (index !== this.index || number !== this.number) {
      this.index = index;
      this.number = number;
      this.flags = -1;
      this.row = null;
      this.element.id = `cell-${index}`;
      this.element.dataset.number = number || "";
      this.image.classList.remove("lost");
      this.image.removeAttribute("src"); // else the picture before stays until this one is there
      this.name.textContent = this.score.textContent = "";
      this.size.hidden = true;
      this.element.className = number ? "cell" : "cell empty";
    }
    if (!number) {
      this.element.setAttribute("aria-label", "empty");
      this.element.setAttribute("aria-selected", "false");
      return;
    }
    const fresh = row && row !== this.row;
    if (fresh) this.know(row);
    if (this.flags !== list.flags[index]) this.mark(list.flags[index]);
    else if (fresh) this.label();
    this.element.classList.toggle("at", cursor);
    this.element.setAttribute("aria-selected", String(cursor));
  }

  know(row) {
    const src = thumbOf(row.image);
    if (this.image.getAttribute("src") !== src) this.image.src = src;
    this.row = row;
    this.frame.classList.toggle("freed", row.freed);
    this.name.textContent = row.name || row.style;
    this.score.textContent = row.score === null || row.score === undefined ? "" : row.score.toFixed(3);
    this.size.hidden = !(row.group_size > 1);
    this.size.textContent = row.group_size;
  }

  mark(flags) {
    this.flags = flags;
    const verdict = flags & VERDICT;
    const classes = this.element.classList;
    classes.toggle("accepted", verdict === ACCEPTED);
    classes.toggle("rejected", verdict === REJECTED);
    classes.toggle("disagreed", (flags & DISAGREED) !== 0);
    classes.toggle("leads", (flags & LEADS) !== 0);
    const drawings = [
      verdict === ACCEPTED && "check",
      verdict === REJECTED && "cross",
      flags & STARRED && "star",
      flags & MORE && "more",
      flags & DISAGREED && "unequal",
      flags & HIDDEN && "hidden",
    ].filter(Boolean);
    this.marks.replaceChildren(...drawings.map((name) => icon(name)));
    this.label();
  }

  /** What a screen reader says of it. */
  label() {
    const { flags, row } = this;
    const words = [
      `Candidate ${this.number}`,
      row && `${row.style}, source ${said(row.source)}`,
      row?.group_size > 1 && (flags & LEADS ? `leads a group of ${row.group_size}` : `in a group of ${row.group_size}`),
      VERDICTS[flags & VERDICT],
      flags & STARRED && "starred",
      flags & MORE && "more like it asked for",
      flags & DISAGREED && "disagreed",
      flags & HIDDEN && "somebody spoke, hidden until you decide",
    ];
    this.element.setAttribute("aria-label", words.filter(Boolean).join(", "));
  }

  /** Members of a group that stand together share a ground; `first` and `last` of them round it off. */
  join(together, first, last) {
    const classes = this.element.classList;
    classes.toggle("together", together);
    classes.toggle("first", together && first);
    classes.toggle("last", together && last);
  }
}

// Elements are made here, and nowhere from text: whatever comes from the table is put in as text, so it stays text.

export const $ = (id) => document.getElementById(id);

/** An element. `given`: attributes; "text" and "class" say themselves, "onclick" and so on are listeners. */
export function make(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "text") element.textContent = value;
    else if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/** One of the drawings of the shell's sprite. Always beside words, or on a button that has a name. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** A button of a word, a drawing, or both; `action` is what tests and style sheets know it by. */
export function button(action, name, run, { drawing, word = name, opens = false, ...given } = {}) {
  return make(
    "button",
    { type: "button", "data-action": action, "aria-label": word === name ? null : name, onclick: run, ...given },
    drawing ? icon(drawing) : null,
    word ? make("span", { text: word }) : null,
    opens ? icon("opens") : null,
  );
}

export function fill(element, ...children) {
  element.replaceChildren(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
}

export const thumbOf = (sha) => `/thumb/${encodeURIComponent(sha)}`;
export const imageOf = (sha) => `/image/${encodeURIComponent(sha)}`;

/** Pixel art is enlarged pixel by pixel, and only then: a photograph so enlarged would be all stairs. A picture that
 * does not come is marked, and style sheets say so in its place. */
export function sharpen(image) {
  image.addEventListener("load", () => {
    image.classList.toggle("pixels", image.naturalWidth <= 128);
    image.classList.remove("lost");
  });
  image.addEventListener("error", () => image.classList.add("lost"));
}

/** A picture that shows `sha`, or nothing yet. */
export function picture(sha, alt, given = {}) {
  const image = make("img", { alt, decoding: "async", draggable: "false", ...given });
  sharpen(image);
  if (sha) image.src = imageOf(sha);
  return image;
}

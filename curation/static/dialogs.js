// Small windows: each is made when it opens, and gone when it closes. The focus then goes back to where it was.

import { button, fill, make } from "./dom.js";

/** Open a dialog. `build(close)` gives its content; resolves to what `close` was given, or undefined when dismissed. */
export function open(title, build, { name } = {}) {
  return new Promise((resolve) => {
    let answer;
    const dialog = make("dialog", { class: "window", "aria-label": title, id: name });
    const close = (value) => {
      answer = value;
      dialog.close();
    };
    const before = document.activeElement;
    fill(dialog, make("h2", { text: title }), build(close));
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close()); // beside the window
    dialog.addEventListener("close", () => {
      dialog.remove();
      before?.focus?.();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

export function actions(...buttons) {
  return make("div", { class: "actions" }, buttons);
}

/** Ask for a text. Resolves to it, or to undefined. */
export function askText(title, { label, value = "", long = false, most = 4000, word = "Save" }) {
  return open(title, (close) => {
    const field = make(long ? "textarea" : "input", {
      id: "asked",
      maxlength: most,
      rows: long ? 5 : null,
      autocomplete: "off",
    });
    field.value = value;
    const form = make(
      "form",
      {
        onsubmit: (event) => {
          event.preventDefault();
          close(field.value.trim());
        },
        onkeydown: (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && form.requestSubmit(),
      },
      make("label", { for: "asked", text: label }),
      field,
      actions(
        button("cancel", "Cancel", () => close()),
        make("button", { type: "submit", class: "strong", "data-action": "save", text: word }),
      ),
    );
    queueMicrotask(() => field.focus());
    return form;
  });
}

/** A button with a menu under it. `entries()`: [{name, run | href, what?, checked?, line?}], made when it opens. */
export function menu(action, name, entries, options = {}) {
  const opener = button(action, name, () => (list.hidden ? show() : hide()), options);
  const list = make("div", { class: "menu", role: "menu", "aria-label": name, hidden: true });
  opener.setAttribute("aria-haspopup", "menu");
  opener.setAttribute("aria-expanded", "false");
  const around = make("div", { class: "with-menu", onkeydown: move, onfocusout: left }, opener, list);

  function show() {
    fill(
      list,
      entries().map((one) => entry(one, hide)),
    );
    list.hidden = false;
    opener.setAttribute("aria-expanded", "true");
    list.classList.toggle("to-left", opener.getBoundingClientRect().left + list.offsetWidth > innerWidth - 8);
    list.querySelector("[role^=menuitem]")?.focus();
  }
  function hide() {
    const held = list.contains(document.activeElement);
    list.hidden = true;
    opener.setAttribute("aria-expanded", "false");
    if (held) opener.focus();
  }
  function left(event) {
    if (!around.contains(event.relatedTarget)) hide();
  }
  function move(event) {
    const items = [...list.querySelectorAll("[role^=menuitem]")];
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape" && !list.hidden) hide();
    else if (by && items.length) items.at((items.indexOf(document.activeElement) + by) % items.length).focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
  return around;
}

function entry({ name, run, href, what, checked, action, line }, hide) {
  if (line) return make("div", { class: "hairline", role: "separator" });
  const act = () => {
    hide();
    run?.();
  };
  const role = checked === undefined ? "menuitem" : "menuitemcheckbox";
  const given = {
    role,
    tabindex: "-1",
    "data-action": action,
    "aria-checked": checked === undefined ? null : String(checked),
    onclick: act,
  };
  const inside = [make("span", { text: name }), what ? make("small", { text: what }) : null];
  return href ? make("a", { ...given, href }, inside) : make("button", { type: "button", ...given }, inside);
}

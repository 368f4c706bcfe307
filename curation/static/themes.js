// The choice of light and dark; theme.js sets it before the page is drawn.

import { keep, kept } from "./kept.js";

const NAMES = { system: "As the system", light: "Light", dark: "Dark" };

/** Entries of a menu, one a theme. */
export function themes() {
  const now = kept("theme", "system");
  return Object.entries(NAMES).map(([theme, name]) => ({
    name,
    action: `theme-${theme}`,
    checked: theme === now,
    run: () => choose(theme),
  }));
}

function choose(theme) {
  keep("theme", theme);
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

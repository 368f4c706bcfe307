// Light or dark, set before anything is drawn: this one file is no module, so that it runs at once.

(() => {
  let theme = null;
  try {
    theme = JSON.parse(localStorage.getItem("toadworks theme"));
  } catch {
    theme = null; // as the system says
  }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
})();

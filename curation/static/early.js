// The list is asked for while the modules are still coming: on a cold start that is a third of the way to the first
// screen. Its beginning, which is found at once however long it is, is asked for first. No module, so that this runs at
// once; list.js takes the answers up.

(() => {
  const first = document.querySelector('meta[name="first-view"]').content;
  const query = location.search.slice(1) || first;
  const ask = (more) => fetch(`/api/list?${query}${more}`, { credentials: "same-origin" }).catch(() => null);
  const inOrder = ["", "grid", null].includes(new URLSearchParams(query).get("layout"));
  const beginning = inOrder && !location.hash ? ask("&limit=200") : null;
  globalThis.earlyList = { query, beginning, response: ask("") };
})();

// The list is asked for while the modules are still coming: on a cold start that is a third of the way to the first
// screen. No module, so that it runs at once; list.js takes the answer up.

(() => {
  const first = document.querySelector('meta[name="first-view"]').content;
  const query = location.search.slice(1) || first;
  globalThis.earlyList = {
    query,
    response: fetch(`/api/list?${query}`, { credentials: "same-origin" }).catch(() => null),
  };
})();

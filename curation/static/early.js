// The list is asked for while the modules are still coming: on a cold start that is a third of the way to the first
// screen. Of a long list its beginning is enough for that, and is found at once; list.js asks for the rest when the first
// pictures are on their way. No module, and before the style sheets, so that this runs at once.

(() => {
  const first = document.querySelector('meta[name="first-view"]').content;
  const query = location.search.slice(1) || first;
  const ask = (more) => fetch(`/api/list?${query}${more}`, { credentials: "same-origin" }).catch(() => null);
  const inOrder = [null, "", "grid"].includes(new URLSearchParams(query).get("layout"));
  const begins = inOrder && !location.hash;
  globalThis.earlyList = begins ? { query, beginning: ask("&limit=200") } : { query, whole: ask("") };
})();

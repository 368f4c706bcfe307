// Talking with the server: addresses, the CSRF token, and what is done when it refuses or is away.

let token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";
const who = document.querySelector('meta[name="curator"]')?.content ?? "";

/** The server said no, in a sentence; asking the same again would not help. */
export class Refused extends Error {
  constructor(status, body) {
    super(body?.error ?? `The server answered ${status}.`);
    this.status = status;
    this.body = body ?? {};
  }
}

/** No answer, or none of use: the server is away, starting, or has too much to do. */
export class Away extends Error {}

export async function get(path, { binary = false, signal } = {}) {
  const response = await answer(path, { signal });
  return binary ? response.arrayBuffer() : response.json();
}

/** `patience`: milliseconds to wait for the answer. */
export async function post(path, body, patience = 30_000) {
  try {
    return await (await answer(path, posting(body, patience))).json();
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 403 || !(await tokenChanged())) throw error;
    return (await answer(path, posting(body, patience))).json();
  }
}

function posting(body, patience) {
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": token };
  return { method: "POST", headers, body: JSON.stringify(body), signal: limit(patience) };
}

async function answer(path, options) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (options.signal?.aborted && error.name === "AbortError") throw error;
    throw new Away("The server does not answer.");
  }
  if (response.ok) return response;
  if (response.status >= 500 || response.status === 429) throw new Away(`The server answered ${response.status}.`);
  const body = await response.json().catch(() => null);
  if (response.status === 401)
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  throw new Refused(response.status, body);
}

/** Whether another token is valid now: the curator logged in anew in another tab, say. Nothing is ever said again in the
 * name of somebody else who did. */
async function tokenChanged() {
  const { csrf, curator } = await get("/api/setup");
  if (who && curator !== who) throw new Refused(403, { error: `${curator} is logged in now. Load the page anew.` });
  const changed = csrf !== token;
  token = csrf;
  return changed;
}

function limit(milliseconds) {
  return AbortSignal.timeout ? AbortSignal.timeout(milliseconds) : undefined;
}

/** A name that nobody else gives. crypto.randomUUID is missing where a page comes over plain HTTP from another machine. */
export function newRequest() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

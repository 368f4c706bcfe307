// Talking with the server: addresses, the CSRF token, and what is done when it refuses or is away.

import { tell } from "./desk.js";

let token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";
let away = false; // whether the last request got no answer
const who = document.querySelector('meta[name="curator"]')?.content ?? "";

/** The server said no, in a sentence; asking the same again would not help. */
export class Refused extends Error {
  constructor(status, body) {
    super(body?.error ?? `The server answered ${status}.`);
    this.status = status;
    this.body = body ?? {};
  }
}

/** Somebody else is logged in now in this browser: what comes is not for whose page this is. */
export class Elsewhere extends Refused {}

/** No answer, or none of use: the server is away, starting, or has too much to do. */
export class Away extends Error {
  away = true;
}

export async function get(path, { binary = false, signal } = {}) {
  const response = await answer(path, { signal });
  return binary ? response.arrayBuffer() : response.json();
}

/** `patience`: milliseconds to wait for the answer. */
export async function post(path, body, patience = 30_000) {
  try {
    return await (await answer(path, posting(body, patience))).json();
  } catch (error) {
    if (error instanceof Elsewhere || !(error instanceof Refused)) throw error;
    if (error.status !== 403 || !(await tokenChanged())) throw error;
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
    throw missed(new Away("The server does not answer."));
  }
  checkWho(response);
  if (response.status >= 500 || response.status === 429)
    throw missed(new Away(`The server answered ${response.status}.`));
  const back = away;
  away = false;
  if (back) tell("back");
  if (response.ok) return response;
  const body = await response.json().catch(() => null);
  if (response.status === 401)
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  throw new Refused(response.status, body);
}

function missed(error) {
  away = true;
  return error;
}

/** Raises Elsewhere for an answer to another curator than this page's. Tabs share their cookies: one who logs in does so
 * in all of them. */
export function checkWho(response) {
  const now = decodeURIComponent(response.headers.get("Toadworks-Curator") ?? "");
  if (!who || !now || now === who) return;
  tell("elsewhere", now);
  throw new Elsewhere(403, { error: `${now} is logged in now in this browser. Load the page anew.` });
}

/** Whether another token is valid now: the curator logged in anew in another tab, say. Nothing is ever said again in
 * the name of somebody else who did: that answer raises Elsewhere. */
async function tokenChanged() {
  const { csrf } = await get("/api/setup");
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

// Steps that the server has not acknowledged. Each is written down in the browser before it is sent, and crossed out
// only when the server says that it stands: a decision outlives a server that is away, a reload, and a closed tab.

import { Away, Refused } from "./api.js";

const AT_ONCE = 40; // steps in a request
const SENSELESS = [400, 413, 422]; // what the server cannot read, it will not read tomorrow; all else may change
const WAITS = [300, 700, 1500, 3000, 6000, 12_000]; // milliseconds, the last again and again

export class Outbox {
  /**
   * `place`: [collection, curator]; their steps alone are read and sent.
   * `send(steps)`: posts them and resolves to the answer of /api/say.
   * `heard(answer, own)`: an answer came, to this tab's own request or to another tab's.
   * `changed()`: the number of waiting steps, or whether the server is away, is another.
   */
  constructor(place, { send, heard, changed }) {
    this.prefix = `toadworks outbox/${place.map(encodeURIComponent).join("/")}/`;
    Object.assign(this, { send, heard, changed });
    this.waiting = new Map(); // key: step, of all tabs, oldest first
    this.unkept = new Map(); // the same, of steps that the browser would not write down
    this.away = "";
    this.refused = false; // the server is there, but does not take them
    this.failures = 0;
    this.latest = 0;
    this.timer = 0;
    this.sending = false;
    this.channel = globalThis.BroadcastChannel ? new BroadcastChannel(this.prefix) : null;
    if (this.channel) this.channel.onmessage = ({ data }) => this.heard(data, false);
    addEventListener("storage", ({ key }) => (key === null || key.startsWith(this.prefix)) && this.read());
    addEventListener("online", () => this.flush());
    addEventListener("beforeunload", (event) => this.unkept.size && event.preventDefault());
    this.read();
    this.flush();
  }

  /** Numbers of candidates of which something waits to be said. */
  get numbers() {
    return new Set(this.steps.flatMap((step) => (step.said ?? []).map(({ number }) => number)));
  }

  get steps() {
    return [...this.waiting.values()];
  }

  get count() {
    return this.waiting.size;
  }

  add(step) {
    const key = this.prefix + this.stamp();
    try {
      localStorage.setItem(key, JSON.stringify(step));
    } catch {
      this.unkept.set(key, step); // the browser keeps nothing or is full: it waits here, and leaving the page asks first
    }
    this.waiting.set(key, step);
    this.changed();
    this.flush();
  }

  /** Later than every step that waits, even if the clock was put back: keys are sent in their order. */
  stamp() {
    this.latest = Math.max(Date.now() * 1000, this.latest + 1);
    return `${String(this.latest).padStart(17, "0")}-${Math.random().toString(36).slice(2, 8)}`;
  }

  /** What waits, as it is written down: other tabs add to it and cross out. */
  read() {
    const found = [...this.unkept];
    for (let at = 0; at < storageLength(); at += 1) {
      const key = localStorage.key(at);
      if (!key?.startsWith(this.prefix)) continue;
      const step = parsed(localStorage.getItem(key));
      if (step) found.push([key, step]);
    }
    this.waiting = new Map(found.sort(([one], [other]) => (one < other ? -1 : 1)));
    for (const key of this.waiting.keys())
      this.latest = Math.max(this.latest, Number.parseInt(key.slice(this.prefix.length), 10));
    this.changed();
  }

  /** Send what waits. One tab at a time sends, whoever's steps they are; the others find them crossed out. */
  async flush() {
    if (this.sending) return;
    this.sending = true;
    clearTimeout(this.timer);
    try {
      await alone(this.prefix, () => this.sendAll());
      this.away = "";
      this.failures = 0;
    } catch (error) {
      this.away = error.message;
      this.refused = error instanceof Refused;
      const wait = WAITS[Math.min(this.failures, WAITS.length - 1)];
      this.failures += 1;
      this.timer = setTimeout(() => this.flush(), wait);
    } finally {
      this.sending = false;
      this.changed();
    }
    if (!this.away && this.waiting.size) this.flush(); // said while the last answer was being heard
  }

  async sendAll() {
    let most = AT_ONCE;
    for (this.read(); this.waiting.size; this.read()) {
      const batch = [...this.waiting].slice(0, most);
      let answer;
      try {
        answer = await this.send(batch.map(([, step]) => step));
      } catch (error) {
        if (!(error instanceof Refused) || !SENSELESS.includes(error.status)) throw error;
        if (most > 1) {
          most = 1; // one step in it cannot be said: it must not hold up the others
          continue;
        }
        answer = { done: [{ request: batch[0][1].request, added: 0, numbers: [], error: error.message }], rows: [] };
      }
      this.crossOut(batch, answer);
    }
  }

  crossOut(batch, answer) {
    const done = new Set(answer.done.map(({ request }) => request));
    const finished = batch.filter(([, step]) => done.has(step.request));
    if (!finished.length) throw new Away("The server did not say what became of the decisions.");
    for (const [key] of finished) {
      this.unkept.delete(key);
      this.waiting.delete(key);
      forgetKey(key);
    }
    this.failures = 0;
    this.away = "";
    this.channel?.postMessage(answer);
    this.heard(answer, true);
    this.changed();
  }
}

/** Do it while no other tab does. Without locks (a page over plain HTTP from another machine) the server's rule that a
 * request said twice is said once must do. */
function alone(name, run) {
  return navigator.locks ? navigator.locks.request(name, run) : run();
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // not of our writing
  }
}

function storageLength() {
  try {
    return localStorage.length;
  } catch {
    return 0;
  }
}

function forgetKey(key) {
  try {
    localStorage.removeItem(key);
  } catch {
    // it was never written there
  }
}

/* The uploads the server knows, newest first: read in pages, and read again while something is happening to them. */

import { Gate } from "./limits.js";
import * as memory from "./memory.js";
import { isMoving, UNFINISHED } from "./states.js";

const PAGE = 50;
const MOVING_MILLISECONDS = 3000;
const QUIET_MILLISECONDS = 30_000;
const DETAILS_AT_ONCE = 4;

export class Listing {
  known = new Map();
  hasOlder = false;
  #api; #owner; #onRead; #next = null; #isDeeper = false; #timer = 0; #asking = null; #details = new Gate(DETAILS_AT_ONCE);

  /* `onRead(error)` is called after each reading; the error is null when it worked. */
  constructor(api, owner, onRead) {
    this.#api = api;
    this.#owner = owner;
    this.#onRead = onRead;
    document.addEventListener("visibilitychange", () => document.hidden || this.refresh());
  }

  /* Know better than the last page: something was begun, cancelled or removed here. */
  put(upload) {
    const isNew = !this.known.has(upload.id);
    const merged = { ...this.known.get(upload.id), ...upload };
    if (isNew) this.known = new Map([[upload.id, merged], ...this.known]);
    else this.known.set(upload.id, merged);
  }

  /* Read the newest page again; at most one request at a time. */
  refresh() {
    this.#asking ??= this.#read().finally(() => { this.#asking = null; this.#plan(); });
    return this.#asking;
  }

  async older() {
    this.#isDeeper = true;
    await this.#guarded(async () => {
      // As a path: behind a proxy the server may not know its own scheme.
      const { pathname, search } = new URL(this.#next, location.href);
      const { results, next } = await this.#api.get(pathname + search);
      for (const upload of await this.#withDetails(results)) this.known.set(upload.id, upload);
      this.#goOnAt(next);
    });
  }

  #read() {
    return this.#guarded(async () => {
      const { results, next } = await this.#api.get(`uploads?owner=${this.#owner}&limit=${PAGE}`);
      const newest = (await this.#withDetails(results)).map((upload) => [upload.id, upload]);
      this.known = new Map([...newest, ...[...this.known].filter(([id]) => !results.some((one) => one.id === id))]);
      if (!this.#isDeeper) this.#goOnAt(next);
      if (!next) memory.keepOnly(new Set([...this.known.values()].filter(({ state }) => UNFINISHED.has(state)).map(({ id }) => id)));
    });
  }

  async #guarded(work) {
    try {
      await work();
      this.#onRead(null);
    } catch (error) {
      this.#onRead(error);
    }
  }

  #goOnAt(next) {
    this.#next = next;
    this.hasOlder = next !== null;
  }

  #withDetails(uploads) {
    return Promise.all(uploads.map((upload) => this.#withDetail(upload)));
  }

  /* Add how far an import is, or once it has ended what it found in the file; without it the row still tells the state. */
  async #withDetail(upload) {
    const before = this.known.get(upload.id);
    if (!upload.run || upload.state !== "received") return upload;
    const read = (path, otherwise) => this.#details.run(() => this.#api.get(path)).catch(() => otherwise);
    if (isMoving(upload)) return { ...upload, job: await read(`jobs/${upload.run.job}`, before?.job ?? null) };
    if (before?.run?.findings && before.run.state === upload.run.state) return { ...upload, run: before.run, job: before.job };
    const job = upload.run.state === "failed" ? await read(`jobs/${upload.run.job}`, null) : null;
    return { ...(await read(`uploads/${upload.id}`, upload)), job };
  }

  #plan() {
    clearTimeout(this.#timer);
    const pause = [...this.known.values()].some(isMoving) ? MOVING_MILLISECONDS : QUIET_MILLISECONDS;
    this.#timer = setTimeout(() => (document.hidden ? this.#plan() : this.refresh()), pause);
  }
}

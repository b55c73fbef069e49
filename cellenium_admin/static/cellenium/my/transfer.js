/* One file on its way to the bucket: in parts, several at once, to be paused, gone on with, and taken back.

States: queued, checking, sending, paused, completing, done, failed, cancelled. Only the parts that are being hashed are
in memory; the browser reads what it sends from the disk. */

import { Gate, retrying, Signer } from "./limits.js";
import { partOf, send, sha256 } from "./parts.js";
import { Problem } from "./problem.js";
import { Speed } from "./speed.js";

const PARALLEL = 4;
const ATTEMPTS = 6;
const HASHED_BYTES = 256 * 1024 ** 2;
const OTHER_FILE = "This is another file than the one this upload began with, though name and size are the same."
  + " Choose the right file, or cancel this upload and begin anew.";
const ENDED = "This upload has ended on the server: it was cancelled, or not finished in time. Upload the file anew.";
// An answer that was lost on its way does not send the file twice.
const ARRIVED = new Set(["received", "held", "unrecognized"]);

export class Transfer extends EventTarget {
  state = "queued";
  error = null;
  #api; #gate; #stop; #running = null; #speed = new Speed();
  #arrived = new Map(); #moving = new Map(); #checked = 0; #retries = "";

  constructor({ api, upload, file }) {
    super();
    Object.assign(this, { upload, file });
    this.#api = api;
    this.#gate = new Gate(Math.max(1, Math.min(PARALLEL, Math.floor(HASHED_BYTES / upload.part_size))));
  }

  get id() { return this.upload.id; }
  get isActive() { return ["checking", "sending", "completing"].includes(this.state); }
  get hasEnded() { return ["done", "cancelled"].includes(this.state); }

  /* Bytes that have arrived or are under way, of how many, how fast, and what went wrong a moment ago. */
  get progress() {
    const total = this.file.size;
    if (this.state === "checking") return { done: this.#checked, total, speed: 0, seconds: null, trouble: "" };
    const sum = (numbers) => numbers.reduce((all, one) => all + one, 0);
    const done = Math.min(total, sum([...this.#arrived.keys()].map((number) => this.#size(number))) + sum([...this.#moving.values()]));
    const speed = this.state === "sending" ? this.#speed.now(done) : 0;
    return { done, total, speed, seconds: speed > 0 ? (total - done) / speed : null, trouble: this.#retries };
  }

  /* Send what is missing and complete the upload; ends when done, paused, cancelled or failed. */
  run() {
    this.#running ??= this.#work().finally(() => { this.#running = null; });
    return this.#running;
  }

  pause() {
    if (this.state === "completing" || this.hasEnded) return;
    this.#become("paused");
    this.#stop?.abort();
  }

  async resume() {
    await this.#running;
    return this.run();
  }

  /* Take the upload back: what has arrived is discarded by the server. Throws Problem. */
  async cancel() {
    const before = this.state;
    this.#become("paused");
    this.#stop?.abort();
    await this.#running;
    try {
      this.upload = await this.#api.post(`uploads/${this.id}/cancel`);
    } catch (error) {
      if (before === "queued") this.#become("queued");
      throw error;
    }
    this.#become("cancelled");
  }

  async #work() {
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    try {
      await alone(this.id, async () => {
        for (let round = 1; !(await this.#round(signal, round)); round += 1);
      });
      this.#become("done");
    } catch (error) {
      if (!signal.aborted) this.#become("failed", error);
    }
  }

  /* Look what is there, send the rest, complete; false when the server found a part missing after all. */
  async #round(signal, round) {
    this.#become("checking");
    await this.#compare(signal);
    if (ARRIVED.has(this.upload.state)) return true;
    if (this.upload.state === "uploading") {
      this.#become("sending");
      await this.#sendMissing(signal);
    } else if (this.upload.state !== "completing") throw new Problem({ status: 409, code: "ended", detail: ENDED });
    this.#become("completing");
    try {
      const complete = () => this.#api.post(`uploads/${this.id}/complete`, {}, { signal });
      this.upload = await retrying(complete, { attempts: ATTEMPTS, signal });
      return true;
    } catch (error) {
      if (error.status !== 409 || round >= 3) throw error;
      return false;
    }
  }

  /* Hold every part the server has against the file, so that another file of the same name is noticed. */
  async #compare(signal) {
    const read = () => this.#api.get(`uploads/${this.id}`, { signal });
    this.upload = await retrying(read, { attempts: ATTEMPTS, signal });
    const known = this.#arrived;
    this.#arrived = new Map();
    this.#checked = 0;
    for (const part of this.upload.parts ?? []) {
      const { number, size, checksum_sha256: there } = part;
      if (!there || size !== this.#size(number)) continue;
      const here = known.get(number) ?? await this.#hash(number);
      signal.throwIfAborted();
      if (here !== there) throw new Problem({ status: 409, code: "other_file", detail: OTHER_FILE });
      this.#arrived.set(number, here);
      this.#checked += size;
    }
  }

  async #sendMissing(signal) {
    const numbers = Array.from({ length: this.upload.part_count }, (_, place) => place + 1);
    const missing = numbers.filter((number) => !this.#arrived.has(number));
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    const signer = new Signer(async (parts) => (await this.#api.post(`uploads/${this.id}/parts`, { parts }, { signal: either })).parts);
    const lane = async () => {
      for (let number = missing.shift(); number; number = missing.shift()) await this.#sendPart(number, signer, either);
    };
    const lanes = Array.from({ length: Math.min(PARALLEL, missing.length) }, lane);
    try {
      await Promise.all(lanes);
    } catch (error) {
      failed.abort();
      throw error;
    } finally {
      await Promise.allSettled(lanes);
      this.#moving.clear();
    }
  }

  /* Each attempt has a URL of its own, so none is too old. */
  async #sendPart(number, signer, signal) {
    const checksum = await this.#hash(number);
    const attempt = async () => {
      const order = await signer.order({ number, checksum_sha256: checksum });
      const onProgress = (loaded) => this.#moving.set(number, loaded);
      await send(order, partOf(this.file, number, this.upload.part_size), { signal, onProgress });
    };
    const onRetry = (error) => { this.#moving.delete(number); this.#retries = `${error.message} Trying again.`; };
    await retrying(attempt, { attempts: ATTEMPTS, signal, onRetry });
    this.#retries = "";
    this.#moving.delete(number);
    this.#arrived.set(number, checksum);
  }

  #hash(number) {
    return this.#gate.run(() => sha256(partOf(this.file, number, this.upload.part_size)));
  }

  #size(number) {
    return Math.min(this.upload.part_size, this.file.size - (number - 1) * this.upload.part_size);
  }

  #become(state, error = null) {
    Object.assign(this, { state, error });
    if (state === "sending") this.#speed = new Speed();
    this.dispatchEvent(new Event("change"));
  }
}

/* One tab at a time sends a file: two would send every part twice. */
function alone(id, work) {
  return navigator.locks.request(`cellenium-upload-${id}`, { ifAvailable: true }, (lock) => {
    if (!lock) throw new Problem({ status: 409, code: "other_tab", detail: "This file is being uploaded in another tab or window." });
    return work();
  });
}

/* Waiting: permits for what may happen at the same time, pauses that grow, and requests for URLs put together. */

import { orAborted } from "./api.js";

/* At most `permits` pieces of work at once; the others wait in order. */
export class Gate {
  #free;
  #queue = [];

  constructor(permits) {
    this.#free = permits;
  }

  async run(work) {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise((resolve) => this.#queue.push(resolve));
    try {
      return await work();
    } finally {
      if (this.#queue.length) this.#queue.shift()();
      else this.#free += 1;
    }
  }
}

export const sleep = (milliseconds, signal) =>
  orAborted(new Promise((resolve) => setTimeout(resolve, milliseconds)), signal);

const LONGEST_PAUSE = 30_000;

/* Try until it works, `attempts` fail, or the error will not pass; while the browser is offline no attempt counts. */
export async function retrying(work, { attempts, signal, onRetry }) {
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (signal.aborted || !error.passes || attempt >= attempts) throw error;
      onRetry?.(error);
      if (!navigator.onLine) {
        await orAborted(new Promise((resolve) => window.addEventListener("online", resolve, { once: true })), signal);
        attempt = 0;
      }
      const pause = Math.min(LONGEST_PAUSE, 500 * 2 ** (attempt - 1)) * (0.5 + Math.random());
      await sleep(Math.max(pause, 1000 * (error.retryAfter ?? 0)), signal);
    }
  }
}

const MOST_TOGETHER = 100;

/* Signs parts: those that are ready within a few milliseconds of each other go in one request. */
export class Signer {
  #ask;
  #waiting = [];

  /* `ask(parts)` gives the orders of these parts, each `{number, url, method, headers}`. */
  constructor(ask) {
    this.#ask = ask;
  }

  order(part) {
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ part, resolve, reject }) === 1) setTimeout(() => this.#flush(), 20);
    });
  }

  async #flush() {
    const batch = this.#waiting.splice(0, MOST_TOGETHER);
    if (this.#waiting.length) setTimeout(() => this.#flush(), 0);
    try {
      const orders = new Map((await this.#ask(batch.map(({ part }) => part))).map((order) => [order.number, order]));
      for (const { part, resolve } of batch) resolve(orders.get(part.number));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}

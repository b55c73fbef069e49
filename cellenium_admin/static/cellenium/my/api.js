/* The REST API with the session's cookie and Django's CSRF header. */

import { Problem, problemOf } from "./problem.js";

const MOST_LOGINS = 3;

export class Api {
  #config;
  #session;

  constructor(config, session) {
    this.#config = config;
    this.#session = session;
  }

  get(path, options) {
    return this.#request("GET", path, undefined, options);
  }

  post(path, body = {}, options) {
    return this.#request("POST", path, body, options);
  }

  /* Ask, and ask again when the session had ended and is back. Throws Problem, or AbortError by the signal. */
  async #request(method, path, body, { signal, idempotencyKey } = {}) {
    for (let attempt = 1; ; attempt += 1) {
      const response = await this.#send(method, path, body, { signal, idempotencyKey });
      if (response.status !== 401 || attempt > MOST_LOGINS) {
        if (!response.ok) throw await problemOf(response);
        return response.status === 204 ? null : response.json();
      }
      await orAborted(this.#session.restored(), signal);
    }
  }

  async #send(method, path, body, { signal, idempotencyKey }) {
    const address = /^(https?:)?\//.test(path) ? path : this.#config.api + path;
    const headers = { Accept: "application/json" };
    if (method !== "GET") Object.assign(headers, { "Content-Type": "application/json", "X-CSRFToken": this.#csrf() });
    if (idempotencyKey) headers["Idempotency-Key"] = idempotencyKey;
    try {
      return await fetch(address, { method, headers, signal, cache: "no-store", credentials: "same-origin",
        body: body === undefined ? undefined : JSON.stringify(body) });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem({ code: "offline", detail: "The server cannot be reached. Check the connection." });
    }
  }

  /* Read anew each time: another login gives another token. */
  #csrf() {
    const mark = `${this.#config.csrfCookie}=`;
    const found = document.cookie.split("; ").find((one) => one.startsWith(mark));
    return found ? decodeURIComponent(found.slice(mark.length)) : "";
  }
}

/* Wait for a promise, but no longer than the signal allows. */
export function orAborted(promise, signal) {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

/* The browser's session with the server: when it ends, requests wait until the same person has logged in again. */

import { byId, make } from "./dom.js";

export class Session {
  #config;
  #waiting = null;
  #goOn = null;
  #channel = new BroadcastChannel("cellenium-session");

  constructor(config) {
    this.#config = config;
    this.#channel.postMessage("here");
    // Somebody may have logged in, or somebody else, in another tab.
    this.#channel.addEventListener("message", () => this.#look());
    window.addEventListener("focus", () => this.#look());
  }

  /* Wait until there is a session again: the provider renews it without a word, or the page says what to do. */
  restored() {
    this.#waiting ??= new Promise((resolve) => {
      this.#goOn = resolve;
      this.#renew();
    });
    return this.#waiting;
  }

  /* Once only: what fails in a frame fails again. A session that is renewed ends the waiting in `#look`. */
  async #renew() {
    if (this.#config.renewUrl && await opens(this.#config.renewUrl)) await this.#look();
    if (this.#waiting) this.#show();
  }

  #show() {
    const banner = byId("session-ended");
    const login = make("a", { className: "button button-small", href: this.#config.loginUrl, target: "_blank", rel: "noopener" }, "Log in again");
    const goOn = make("button", { type: "button", className: "button button-small" }, "Go on");
    goOn.addEventListener("click", () => this.#look());
    banner.replaceChildren(make("span", {}, "Your session has ended. Uploads wait and go on once you have logged in again (in a new tab)."), login, goOn);
    banner.hidden = false;
  }

  /* See who is logged in now; nothing of this page is anybody else's. */
  async #look() {
    const response = await fetch(`${this.#config.api}me`, { cache: "no-store" }).catch(() => null);
    if (!response?.ok) return;
    if ((await response.json()).id !== this.#config.user) return location.reload();
    if (!this.#waiting) return;
    byId("session-ended").hidden = true;
    const goOn = this.#goOn;
    this.#waiting = this.#goOn = null;
    goOn();
  }
}

const RENEWAL_MILLISECONDS = 20_000;

/* Open a page of ours in a frame nobody sees, by way of the login provider; false when it does not come to us. */
function opens(address) {
  return new Promise((resolve) => {
    const frame = make("iframe", { src: address, hidden: true, title: "Renewal of the session" });
    const end = () => {
      clearTimeout(timer);
      resolve(frame.contentDocument?.documentElement.dataset.renewed !== undefined);
      frame.remove();
    };
    const timer = setTimeout(end, RENEWAL_MILLISECONDS);
    frame.addEventListener("load", end);
    document.body.append(frame);
  });
}

/* Temporary credentials: asked for, shown, counted down, forgotten. They are in this module's memory and nowhere else. */

import { announce, byId, copyButton, make, setText } from "./dom.js";
import { clock, duration, moment, secondsUntil } from "./format.js";
import { showInForm } from "./problem.js";
import { commands, FORMATS } from "./snippets.js";

const SENSIBLE_SECONDS = [900, 1800, 3600, 7200, 14_400, 28_800, 43_200];
const MASK = "•".repeat(12);
const CAPPED = {
  role_chaining: "AWS gives one hour at most here: the server itself holds a role's credentials, and a role that takes another role on (role chaining) is capped at an hour.",
  setting: "Your administrators have set this longest duration.",
};

export class Credentials {
  #api; #config; #onIssued; #timer = 0; #warned = false;

  constructor(api, config, onIssued) {
    this.#api = api;
    this.#config = config;
    this.#onIssued = onIssued;
  }

  start() {
    const form = byId("credentials-form");
    this.#offerDurations(form.elements.duration);
    form.addEventListener("submit", (event) => { event.preventDefault(); this.#ask(form); });
    window.addEventListener("pagehide", () => this.forget());
  }

  /* Wipe what is shown: before another is asked for, when it has ended, when the page is left. */
  forget(text = "") {
    clearInterval(this.#timer);
    byId("credentials-result").replaceChildren(...(text ? [make("p", { className: "notice notice-warning issued" }, text)] : []));
  }

  #offerDurations(select) {
    const { shortest, longest, usual } = this.#config.credentials;
    const offered = new Set([...SENSIBLE_SECONDS.filter((one) => one >= shortest && one <= longest), usual, longest]);
    const options = [...offered].sort((a, b) => a - b).map((seconds) => make("option", { value: String(seconds), selected: seconds === usual }, duration(seconds)));
    select.replaceChildren(...options);
  }

  async #ask(form) {
    const submit = form.querySelector("[type=submit]");
    submit.disabled = true;
    this.forget();
    showInForm(form, null);
    try {
      const fields = new FormData(form);
      this.#show(await this.#api.post("credentials", { purpose: fields.get("purpose"), duration: Number(fields.get("duration")) }));
      this.#onIssued();
    } catch (error) {
      showInForm(form, error);
    } finally {
      submit.disabled = false;
    }
  }

  #show(issued) {
    const heading = make("h3", { tabIndex: -1 }, issued.purpose === "upload" ? "Credentials to upload" : "Credentials to read");
    const left = make("span", {}, clock(secondsUntil(issued.expires_at)));
    const countdown = make("p", { className: "countdown", role: "timer", "aria-label": "Time left" }, left, make("small", {}, `until ${moment(issued.expires_at)}`));
    const card = make("section", { className: "card issued", "aria-label": "Issued credentials" },
      make("div", { className: "issued-head" }, make("div", {}, heading, make("p", { className: "hint" }, "for ", make("code", {}, `s3://${issued.bucket}/${issued.prefix}`))), countdown),
      issued.capped_by ? make("p", { className: "notice" }, `Valid for ${duration(issued.duration)}. ${CAPPED[issued.capped_by] ?? issued.capped_by}`) : null,
      formats(issued), commandsOf(issued),
      make("p", { className: "hint" }, "They are kept nowhere: after leaving or reloading this page they cannot be shown again. Ask for new ones then."));
    byId("credentials-result").replaceChildren(card);
    heading.focus();
    announce("Credentials issued.");
    this.#warned = false;
    this.#timer = setInterval(() => this.#tick(issued.expires_at, left), 1000);
  }

  #tick(until, left) {
    const seconds = secondsUntil(until);
    if (seconds <= 0) {
      this.forget("These credentials have ended. Get new ones to go on.");
      return announce("The credentials have ended.");
    }
    setText(left, clock(seconds));
    if (seconds < 300 && !this.#warned) {
      this.#warned = true;
      announce("The credentials end in less than five minutes.");
    }
  }
}

/* Tabs, one for each format, as the ARIA Authoring Practices describe them: arrows move, Tab leaves. */
function formats(issued) {
  let shown = false;
  let chosen = FORMATS[0];
  const hidden = { ...issued, secret_access_key: MASK, session_token: MASK };
  const text = make("pre", { tabIndex: 0 });
  const hint = make("p", { className: "hint" });
  const reveal = make("button", { type: "button", className: "button button-small", ariaPressed: "false" });
  const panel = make("div", { className: "code", id: "format-panel", role: "tabpanel" }, text, copyButton("credentials", () => chosen.of(issued), () => text));
  const tabs = FORMATS.map((format) => make("button", { type: "button", className: "tab", role: "tab", id: `format-${format.id}`, "aria-controls": "format-panel" }, format.title));
  const draw = () => {
    text.textContent = chosen.of(shown ? issued : hidden);
    hint.textContent = chosen.hint;
    reveal.textContent = shown ? "Hide secrets" : "Show secrets";
    reveal.setAttribute("aria-pressed", String(shown));
    panel.setAttribute("aria-labelledby", `format-${chosen.id}`);
    text.setAttribute("aria-label", chosen.title);
    tabs.forEach((tab, place) => {
      const selected = FORMATS[place] === chosen;
      tab.setAttribute("aria-selected", String(selected));
      tab.tabIndex = selected ? 0 : -1;
    });
  };
  const choose = (place) => { chosen = FORMATS[(place + FORMATS.length) % FORMATS.length]; draw(); };
  tabs.forEach((tab, place) => {
    tab.addEventListener("click", () => choose(place));
    tab.addEventListener("keydown", ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (!step) return;
      choose(place + step);
      tabs[(place + step + tabs.length) % tabs.length].focus();
    });
  });
  reveal.addEventListener("click", () => { shown = !shown; draw(); });
  draw();
  const head = make("div", { className: "issued-head issued-formats" }, make("div", { className: "tabs", role: "tablist", "aria-label": "Format" }, tabs), reveal);
  return make("div", {}, head, panel, hint);
}

function commandsOf(issued) {
  const wordsOf = (line) => line.split(/( )/).map((word) => (word === " " ? word : make("span", {}, word)));
  const lines = commands(issued).trim().split("\n").map((line) => make("code", {}, wordsOf(line)));
  const text = make("pre", { tabIndex: 0, "aria-label": "AWS CLI commands" }, lines);
  const code = make("div", { className: "code code-alone code-lines" }, text, copyButton("AWS CLI commands", () => commands(issued), () => text));
  return make("div", {}, make("h4", {}, "Then, with the AWS CLI"), code);
}

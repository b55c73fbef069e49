/* API tokens: made, shown once, listed, revoked. */

import { confirm } from "./confirm.js";
import { announce, button, byId, copyButton, make } from "./dom.js";
import { moment } from "./format.js";
import { linesOf, showInForm } from "./problem.js";

export class Tokens {
  #api;

  constructor(api) {
    this.#api = api;
  }

  start() {
    const form = byId("token-form");
    form.addEventListener("submit", (event) => { event.preventDefault(); this.#create(form); });
    window.addEventListener("pagehide", () => byId("token-result").replaceChildren());
    return this.refresh();
  }

  async refresh() {
    const empty = byId("tokens-empty");
    try {
      const { results } = await this.#api.get("tokens?limit=100");
      const usable = results.filter((one) => !one.revoked_at && new Date(one.expires_at) > Date.now());
      byId("token-list").replaceChildren(...usable.map((one) => this.#row(one)));
      empty.textContent = "You have no token in force.";
      empty.hidden = usable.length > 0;
    } catch (error) {
      empty.textContent = linesOf(error).join(" ");
      empty.hidden = false;
    }
  }

  async #create(form) {
    const submit = form.querySelector("[type=submit]");
    const fields = new FormData(form);
    submit.disabled = true;
    showInForm(form, null);
    byId("token-result").replaceChildren();
    try {
      const made = await this.#api.post("tokens", { name: fields.get("name").trim(), days: Number(fields.get("days")), scopes: fields.getAll("scopes") });
      this.#show(made);
      form.elements.name.value = "";
      await this.refresh();
    } catch (error) {
      showInForm(form, error);
    } finally {
      submit.disabled = false;
    }
  }

  #show({ token, name, expires_at: until }) {
    const heading = make("h3", { tabIndex: -1 }, `Token “${name}”`);
    const text = make("pre", { tabIndex: 0, "aria-label": "API token" }, token);
    const command = `python3 cellenium_access.pyz login ${location.origin}`;
    const line = make("pre", { tabIndex: 0, "aria-label": "Command" }, command);
    byId("token-result").replaceChildren(make("section", { className: "card issued", "aria-label": "New token" },
      make("div", { className: "issued-head" }, heading, make("span", { className: "badge" }, `until ${moment(until)}`)),
      make("p", { className: "notice notice-warning" }, make("strong", {}, "It is shown this once."), " Copy it now: after leaving or reloading this page nobody can show it again."),
      make("div", { className: "code code-alone" }, text, copyButton("token", () => token, () => text)),
      make("h4", {}, "Then give it to the client, which asks for it"),
      make("div", { className: "code code-alone" }, line, copyButton("command", () => command, () => line))));
    heading.focus();
    announce("The token is made. It is shown this once.");
  }

  #row(one) {
    const used = one.last_used_at ? `last used ${moment(one.last_used_at)}` : "never used";
    return make("li", { className: "row" },
      make("div", { className: "row-title" }, make("span", { className: "row-name" }, one.name), one.scopes.map((scope) => make("span", { className: "badge" }, scope))),
      make("p", { className: "row-meta" }, make("code", {}, one.key), ` · ${used} · until ${moment(one.expires_at)}`),
      make("div", { className: "row-actions" }, button("Revoke", one.name, () => this.#revoke(one))));
  }

  async #revoke(one) {
    const done = await confirm({
      title: "Revoke this token?", yes: "Revoke the token",
      text: `Whatever uses “${one.name}” is refused from now on. This cannot be undone.`,
      act: () => this.#api.post(`tokens/${one.key}/revoke`),
    });
    if (!done) return;
    announce("The token is revoked.");
    await this.refresh();
    byId("tokens-heading").focus();
  }
}

/* Credentials of one's own that are still in force, each of which can be cut. */

import { confirm } from "./confirm.js";
import { announce, arrange, button, byId, make, setText } from "./dom.js";
import { duration, moment, secondsUntil } from "./format.js";
import { linesOf } from "./problem.js";

const PURPOSES = { upload: "Upload", read: "Read", grant: "Grant" };

export class Sessions {
  #api; #user; #live = []; #rows = new Map(); #onCut;

  constructor(api, config, onCut) {
    this.#api = api;
    this.#user = config.user;
    this.#onCut = onCut;
  }

  start() {
    setInterval(() => this.#draw(), 10_000);
    return this.refresh();
  }

  async refresh() {
    try {
      // Administrators see everybody's; this page is about one's own.
      this.#live = (await this.#api.get(`issuances?live=true&limit=100&user=${this.#user}`)).results;
      setText(byId("sessions-empty"), "No credentials of yours are in force.");
    } catch (error) {
      setText(byId("sessions-empty"), linesOf(error).join(" "));
      this.#live = [];
    }
    this.#draw();
  }

  #draw() {
    const live = this.#live.filter(({ expires_at: until, cut_at: cut }) => !cut && secondsUntil(until) > 0);
    for (const one of live) this.#rowOf(one);
    arrange(byId("session-list"), live.map(({ id }) => this.#rows.get(id).element));
    byId("sessions-empty").hidden = live.length > 0;
  }

  #rowOf(one) {
    if (!this.#rows.has(one.id)) this.#rows.set(one.id, this.#make(one));
    setText(this.#rows.get(one.id).left, `ends in ${duration(60 * Math.ceil(secondsUntil(one.expires_at) / 60))}`);
  }

  #make(one) {
    const left = make("span", { className: "badge" });
    const purpose = PURPOSES[one.purpose] ?? one.purpose;
    const place = one.scope ?? "";
    const element = make("li", { className: "row" },
      make("div", { className: "row-title" }, make("span", { className: "row-name" }, purpose), left, one.state === "issued" ? null : make("span", { className: "badge badge-warn" }, one.state)),
      make("p", { className: "row-meta" }, `issued ${moment(one.created_at)} · `, make("code", {}, place)),
      make("div", { className: "row-actions" }, button("Cut", `the session of ${moment(one.created_at)}`, () => this.#cut(one))));
    return { element, left };
  }

  async #cut(one) {
    const done = await confirm({
      title: "Cut this session?", yes: "Cut the session", withReason: true,
      text: "Whoever holds these credentials can use them no more, within seconds to minutes. This cannot be undone.",
      act: (reason) => this.#api.post(`issuances/${one.id}/cut`, { reason }),
    });
    if (!done) return;
    announce("The session is cut.");
    this.#onCut();
    await this.refresh();
    byId("credentials-heading").focus();
  }
}

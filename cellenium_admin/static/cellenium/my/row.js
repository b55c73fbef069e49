/* One upload as a row: built once, then kept up to date, so that focus and open details stay. */

import { arrange, button, make, setText } from "./dom.js";
import { bytes, duration, moment, rate } from "./format.js";
import { linesOf } from "./problem.js";
import { badgeOf, ENDED, isMoving, MAY_BE_REPEATED, sentenceOf, sourceOf, summaryOf, UNFINISHED } from "./states.js";

export class Row {
  #can; #buttons = {}; #shownFindings = "";
  #name = make("span", { className: "row-name" });
  #badge = make("span");
  #meta = make("p", { className: "row-meta" });
  #actions = make("div", { className: "row-actions" });
  #bar = make("progress", { max: 100, value: 0 });
  #left = make("span");
  #right = make("span");
  #progress = make("div", { className: "row-progress" }, this.#bar, make("div", { className: "row-numbers" }, this.#left, this.#right));
  #text = make("p", { className: "row-text" });
  #findings = make("details");

  /* `can` holds what the buttons do: pause, resume, retry, again, anew, cancel, stop, reimport, remove; each takes the upload. */
  constructor(can, studyUrl) {
    this.#can = can;
    this.studyUrl = studyUrl;
    const title = make("div", { className: "row-title" }, this.#name, this.#badge);
    this.element = make("li", { className: "row" }, title, this.#meta, this.#actions, this.#progress, this.#text, this.#findings);
  }

  update(upload, transfer, problem) {
    const name = upload.filename;
    setText(this.#name, name);
    const [words, tone] = badgeOf(upload, transfer);
    this.#badge.className = `badge ${tone ? `badge-${tone}` : ""}`;
    setText(this.#badge, words);
    setText(this.#meta, this.#metaOf(upload, transfer));
    this.#showProgress(transfer, name);
    this.#showText(upload, transfer, problem ?? transfer?.error);
    this.#showFindings(upload.run);
    this.#showActions(upload, transfer, problem, name);
  }

  #metaOf(upload, transfer) {
    const parts = [bytes(upload.size)];
    if (transfer) return parts[0];
    if (upload.created_at) parts.push(moment(upload.created_at));
    if (!UNFINISHED.has(upload.state)) parts.push(sourceOf(upload));
    return parts.join(" · ") + (upload.source === "bucket" ? `\n${upload.uri}` : "");
  }

  #showProgress(transfer, name) {
    this.#progress.hidden = !transfer || transfer.hasEnded;
    if (this.#progress.hidden) return;
    const { done, total, speed, seconds, trouble } = transfer.progress;
    this.#bar.value = total ? (100 * done) / total : 0;
    if (this.#bar.title !== name) Object.assign(this.#bar, { title: name, ariaLabel: `Progress of ${name}` });
    const percent = total ? Math.floor((100 * done) / total) : 0;
    setText(this.#left, `${bytes(done)} of ${bytes(total)} (${percent} %)${transfer.state === "checking" ? " compared with what is there" : ""}`);
    setText(this.#right, trouble || (speed > 0 ? `${rate(speed)} · ${duration(seconds)} left` : ""));
  }

  #showText(upload, transfer, problem) {
    const unfinished = upload.state === "uploading" && !transfer;
    const sentence = unfinished ? "Choose the same file again to go on: only what is missing is sent." : transfer ? "" : sentenceOf(upload);
    const text = problem ? linesOf(problem).join(" ") : sentence;
    this.#text.hidden = !text && !upload.run?.study;
    this.#text.classList.toggle("is-bad", Boolean(problem));
    if (upload.run?.study && !problem) {
      const { id, name } = upload.run.study;
      if (!this.#text.querySelector("a")) this.#text.replaceChildren("Study: ", make("a", { href: this.studyUrl.replace("{id}", id) }, name));
    } else setText(this.#text, text);
  }

  #showFindings(run) {
    const findings = run?.findings ?? [];
    const shown = JSON.stringify(findings);
    this.#findings.hidden = !findings.length;
    if (shown === this.#shownFindings) return;
    this.#shownFindings = shown;
    this.#findings.replaceChildren(make("summary", {}, summaryOf(findings)), make("ul", { className: "findings" }, findings.map(findingOf)));
  }

  #showActions(upload, transfer, problem, name) {
    const wanted = actionsFor(upload, transfer, problem);
    const hadFocus = this.#actions.contains(document.activeElement);
    for (const action of wanted) this.#buttons[action] ??= button(WORDS[action], name, () => this.#can[action](upload.id));
    arrange(this.#actions, wanted.map((action) => this.#buttons[action]));
    if (hadFocus && !this.#actions.contains(document.activeElement)) (this.#actions.firstElementChild ?? this.element.closest("section").querySelector("h2")).focus();
  }
}

const WORDS = { pause: "Pause", resume: "Resume", retry: "Try again", again: "Choose the file again", anew: "Upload as a new file", cancel: "Cancel", stop: "Stop the import", reimport: "Import again", remove: "Remove" };

const FAILED = { other_file: ["anew", "again", "cancel"], unreadable: ["again", "cancel"], ended: ["anew"] };

function actionsFor(upload, transfer, problem) {
  if (transfer && !transfer.hasEnded) {
    if (transfer.state === "failed") return FAILED[transfer.error.code] ?? ["retry", "cancel"];
    if (transfer.state === "paused") return ["resume", "cancel"];
    if (transfer.state === "completing") return [];
    return transfer.state === "queued" ? ["cancel"] : ["pause", "cancel"];
  }
  if (upload.state === "uploading") return [...(problem?.code === "other_name" ? ["anew"] : []), "again", "cancel"];
  if (upload.state === "starting") return ["cancel"];
  if (isMoving(upload)) return upload.run && !upload.job?.cancel_requested_at ? ["stop"] : [];
  if (UNFINISHED.has(upload.state) || ENDED.has(upload.state)) return [];
  return upload.state === "received" && MAY_BE_REPEATED.has(upload.run?.state) ? ["reimport", "remove"] : ["remove"];
}

function findingOf({ severity, path, found, expected, remedy }) {
  const facts = [found && `found: ${found}`, expected && `expected: ${expected}`].filter(Boolean).join("; ");
  return make("li", { className: `is-${severity}` },
    make("p", {}, make("strong", {}, `${severity} at `), make("code", {}, path), facts ? ` (${facts})` : ""),
    remedy ? make("p", {}, remedy) : null);
}

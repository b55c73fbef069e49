/* Uploads: those this tab sends, those the server knows, and what can be done with them. */

import { confirm } from "./confirm.js";
import { announce, arrange, button, byId, make } from "./dom.js";
import { bytes } from "./format.js";
import { retrying } from "./limits.js";
import { Listing } from "./listing.js";
import * as memory from "./memory.js";
import { linesOf, Problem } from "./problem.js";
import { Row } from "./row.js";
import { badgeOf, ENDED, UNFINISHED } from "./states.js";
import { Transfer } from "./transfer.js";

const AT_ONCE = 2;
const DRAW_MILLISECONDS = 250;
const LIST = "The list of uploads";

export class Uploads {
  #api; #config; #onChange; #listing;
  #transfers = new Map(); #rows = new Map(); #problems = new Map(); #announced = new Map();
  #wanted = null; #showsEnded = false;

  constructor(api, config, onChange) {
    this.#api = api;
    this.#config = config;
    this.#onChange = onChange;
    this.#listing = new Listing(api, config.user, (error) => this.#listed(error));
    this.can = {
      pause: (id) => this.#transfers.get(id).pause(),
      resume: (id) => this.#queue(this.#transfers.get(id)),
      retry: (id) => this.#queue(this.#transfers.get(id)),
      again: (id) => this.#chooseAgain(id),
      anew: (id) => this.#anew(id),
      cancel: (id) => this.#cancel(id),
      stop: (id) => this.#stop(id),
      reimport: (id) => this.#reimport(id),
      remove: (id) => this.#remove(id),
    };
  }

  start() {
    byId("show-ended").addEventListener("change", ({ target }) => { this.#showsEnded = target.checked; this.#draw(); });
    byId("older").addEventListener("click", () => this.#listing.older());
    byId("file-again").addEventListener("change", ({ target }) => this.#chosenAgain(target));
    window.addEventListener("beforeunload", (event) => { if (this.#active.length) event.preventDefault(); });
    setInterval(() => { if (this.#active.length) this.#draw(); }, DRAW_MILLISECONDS);
    return this.#listing.refresh();
  }

  /* Take files from the drop zone or the file button; each goes on with an unfinished upload of it, or begins one. */
  async add(files) {
    byId("upload-problems").replaceChildren();
    // The list says which uploads are unfinished; without it every file would begin anew.
    await this.#listing.refresh();
    for (const file of files) await this.#addOne(file);
  }

  get #known() {
    return this.#listing.known;
  }

  get #active() {
    return [...this.#transfers.values()].filter(({ isActive }) => isActive);
  }

  async #addOne(file) {
    const going = [...this.#transfers.values()].filter(({ state }) => state !== "failed");
    if (going.some((one) => memory.isSame(one.file, file))) {
      return this.#complain(file.name, new Problem({ detail: "It is being uploaded already; see below." }));
    }
    const busy = new Set(going.map(({ id }) => id));
    const unfinished = [...this.#known.values()].filter(({ id, state }) => state === "uploading" && !busy.has(id));
    const known = memory.matching(file, unfinished);
    if (known) this.#begin(known, file);
    else await this.#create(file);
  }

  async #create(file) {
    const once = { idempotencyKey: crypto.randomUUID() };
    const ask = () => this.#api.post("uploads", { filename: file.name, size: file.size }, once);
    try {
      const upload = await retrying(ask, { attempts: 3, signal: new AbortController().signal });
      this.#listing.put(upload);
      this.#begin(upload, file);
      this.#onChange();
    } catch (error) {
      this.#complain(file.name, error);
    }
  }

  #begin(upload, file) {
    this.#problems.delete(upload.id);
    const transfer = new Transfer({ api: this.#api, upload, file });
    transfer.addEventListener("change", () => this.#changed(transfer));
    this.#transfers.set(upload.id, transfer);
    this.#draw();
    this.#startNext();
  }

  #queue(transfer) {
    Object.assign(transfer, { state: "queued", error: null });
    this.#draw();
    this.#startNext();
  }

  #startNext() {
    const waiting = [...this.#transfers.values()].filter(({ state }) => state === "queued");
    for (const transfer of waiting.slice(0, Math.max(0, AT_ONCE - this.#active.length))) transfer.resume();
  }

  #changed(transfer) {
    this.#listing.put(transfer.upload);
    // Only what was found to be the right file is kept in mind.
    if (transfer.state === "sending") memory.remember(transfer.id, transfer.file);
    if (transfer.hasEnded) {
      memory.forget(transfer.id);
      this.#transfers.delete(transfer.id);
      this.#listing.refresh();
    }
    if (!transfer.isActive) queueMicrotask(() => this.#startNext());
    this.#say(transfer);
    this.#draw();
  }

  #say(transfer) {
    if (["checking", "queued", "completing"].includes(transfer.state)) return;
    const words = transfer.state === "done" ? "has arrived and waits for its import" : badgeOf(transfer.upload, transfer)[0].toLowerCase();
    announce(`${transfer.file.name}: ${words}${transfer.error ? `. ${transfer.error.message}` : ""}`);
  }

  #sayProgress(transfer) {
    const { done, total } = transfer.progress;
    const quarter = total ? Math.floor((4 * done) / total) : 0;
    if (transfer.state !== "sending" || quarter <= (this.#announced.get(transfer.id) ?? 0) || quarter > 3) return;
    this.#announced.set(transfer.id, quarter);
    announce(`${transfer.file.name}: ${25 * quarter} percent uploaded`);
  }

  #chooseAgain(id) {
    this.#wanted = id;
    byId("file-again").click();
  }

  #chosenAgain(input) {
    const [file] = input.files;
    input.value = "";
    const upload = this.#known.get(this.#wanted);
    if (!file || !upload) return;
    this.#transfers.delete(upload.id);
    if (memory.nameOf(file) === upload.filename && file.size === upload.size) return this.#begin(upload, file);
    const detail = `This upload began with ${upload.filename} of ${bytes(upload.size)} (${upload.size} bytes); you chose ${file.name} of ${bytes(file.size)} (${file.size} bytes).`;
    this.#problems.set(upload.id, Object.assign(new Problem({ code: "other_name", detail }), { file }));
    announce(detail);
    this.#draw();
  }

  async #anew(id) {
    const file = this.#problems.get(id)?.file ?? this.#transfers.get(id)?.file;
    this.#problems.delete(id);
    this.#transfers.delete(id);
    await this.#create(file);
    this.#draw();
  }

  async #cancel(id) {
    const { filename } = this.#known.get(id);
    await confirm({
      title: "Cancel this upload?", yes: "Cancel the upload",
      text: `What has arrived of ${filename} is discarded. The file on your computer stays as it is.`,
      act: async () => {
        const transfer = this.#transfers.get(id);
        if (transfer) return transfer.cancel();
        this.#listing.put(await this.#api.post(`uploads/${id}/cancel`));
        memory.forget(id);
        announce(`${filename}: cancelled`);
      },
    });
    this.#listing.refresh();
  }

  async #stop(id) {
    const { filename, run } = this.#known.get(id);
    await confirm({
      title: "Stop the import?", yes: "Stop the import", no: "Go on",
      text: `${filename} stays in the bucket and is not imported.`,
      act: async () => {
        await this.#api.post(`jobs/${run.job}/cancel`);
        announce(`${filename}: the import stops`);
      },
    });
    this.#listing.refresh();
  }

  async #reimport(id) {
    const { filename, run } = this.#known.get(id);
    await confirm({
      title: "Import this file again?", yes: "Import again",
      text: `${filename} is imported once more as it lies in the bucket. A file that was refused for what is in it is refused again.`,
      act: async () => {
        await this.#api.post(`imports/${run.id}/retry`);
        announce(`${filename} waits for its import`);
      },
    });
    this.#listing.refresh();
  }

  async #remove(id) {
    const { filename } = this.#known.get(id);
    await confirm({
      title: "Remove this file?", yes: "Remove the file", withReason: true,
      text: `${filename} is deleted from the bucket. A study made of it stays. This cannot be undone.`,
      act: async (reason) => {
        this.#listing.put(await this.#api.post(`uploads/${id}/remove`, { reason }));
        announce(`${filename}: removed`);
      },
    });
    this.#listing.refresh();
  }

  #listed(error) {
    if (!error) byId("files-loading").hidden = true;
    this.#complain(LIST, error);
    this.#draw();
    this.#onChange();
  }

  #complain(name, error) {
    const list = byId("upload-problems");
    [...list.children].filter((one) => one.dataset.about === name).forEach((one) => one.remove());
    if (!error) return;
    const [detail, ...remedies] = linesOf(error);
    const item = make("li", { className: "problem", dataset: { about: name } },
      make("div", {}, make("p", {}, make("strong", {}, `${name}: `), detail), remedies.map((line) => make("p", { className: "problem-remedies" }, line))));
    item.append(button("Dismiss", name, () => { item.remove(); byId("choose").focus(); }));
    list.append(item);
  }

  #draw() {
    const active = [], rest = [];
    for (const upload of this.#known.values()) {
      const transfer = this.#transfers.get(upload.id);
      if (!transfer && ENDED.has(upload.state) && !this.#showsEnded) continue;
      if (!this.#rows.has(upload.id)) this.#rows.set(upload.id, new Row(this.can, this.#config.studyUrl));
      const row = this.#rows.get(upload.id);
      row.update(upload, transfer, this.#problems.get(upload.id));
      (transfer || UNFINISHED.has(upload.state) ? active : rest).push(row.element);
      if (transfer) this.#sayProgress(transfer);
    }
    arrange(byId("active-list"), active);
    arrange(byId("file-list"), rest);
    byId("active").hidden = !active.length;
    byId("files-empty").hidden = rest.length > 0 || !byId("files-loading").hidden;
    byId("older").hidden = !this.#listing.hasOlder;
  }
}

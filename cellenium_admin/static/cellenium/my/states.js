/* The states of an upload in words. */

import { duration, plural } from "./format.js";

const UPLOADS = {
  starting: ["Beginning", "info", ""],
  uploading: ["Unfinished", "warn", ""],
  completing: ["Completing", "info", "The storage puts the parts together."],
  received: ["Waiting for import", "info", ""],
  held: ["Held", "warn", "It is over your quota and waits until there is room."],
  unrecognized: ["Not recognized", "", "Only .h5ad files are imported. It is left where it is."],
  removing: ["Being removed", "warn", ""],
  cancelled: ["Cancelled", "", ""],
  expired: ["Expired", "", "It was not finished in time; what had arrived was discarded."],
  removed: ["Removed", "", ""],
};
const RUNS = {
  received: ["Waiting for import", "info"],
  validating: ["Being checked", "info"],
  converting: ["Being imported", "info"],
  writing: ["Being imported", "info"],
  published: ["Imported", "ok"],
  rejected: ["Refused", "bad"],
  failed: ["Import failed", "bad"],
  cancelled: ["Import cancelled", ""],
  superseded: ["Replaced by a newer file", ""],
};
const TRANSFERS = {
  queued: ["Waiting for its turn", ""],
  checking: ["Comparing", "info"],
  sending: ["Uploading", "info"],
  paused: ["Paused", "warn"],
  completing: ["Completing", "info"],
  failed: ["Stopped", "bad"],
};
export const UNFINISHED = new Set(["starting", "uploading", "completing"]);
export const ENDED = new Set(["cancelled", "expired", "removed"]);
const RUNNING = new Set(["received", "validating", "converting", "writing"]);

/* The badge: words and tone. */
export function badgeOf(upload, transfer) {
  if (transfer && !transfer.hasEnded) return TRANSFERS[transfer.state];
  if (upload.state === "received" && upload.run) return RUNS[upload.run.state] ?? [upload.run.state, ""];
  return UPLOADS[upload.state] ?? [upload.state, ""];
}

/* One sentence on where it stands, where the badge does not say it all. */
export function sentenceOf(upload) {
  if (upload.state !== "received") return upload.reason || UPLOADS[upload.state]?.[2] || "";
  const { job, run } = upload;
  if (run?.state === "rejected") return "The file does not hold what a study needs; the findings say what to mend. Then upload it again.";
  if (run && !RUNNING.has(run.state)) return run.state === "failed" ? job?.error?.detail ?? "" : "";
  if (job?.cancel_requested_at) return "The import stops at its next step.";
  if (job?.total > 0) {
    const left = job.seconds_left === null ? "" : `, ${duration(job.seconds_left)} left`;
    return `${job.stage || "working"}: ${Math.floor((100 * job.done) / job.total)} % of ${job.total.toLocaleString()} ${job.unit}${left}`;
  }
  return job?.stage ?? "";
}

/* Imports after which the same file may be imported again. */
export const MAY_BE_REPEATED = new Set(["rejected", "failed", "cancelled"]);

/* Whether something will happen to it soon without the user. */
export const isMoving = ({ state, run }) => state === "completing" || state === "removing" || (state === "received" && (!run || RUNNING.has(run.state)));

export const sourceOf = ({ source }) => (source === "bucket" ? "put into the bucket by AWS CLI or another tool" : "uploaded here");

export function summaryOf(findings) {
  const count = (severity) => findings.filter((one) => one.severity === severity).length;
  const parts = [["error", "error"], ["warning", "warning"], ["note", "note"]]
    .map(([severity, word]) => [count(severity), word]).filter(([number]) => number).map(([number, word]) => plural(number, word));
  return `Findings: ${parts.join(", ")}`;
}

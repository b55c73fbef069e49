/* Parts of a file: their bounds, their SHA-256, and one of them on its way to S3. */

import { Problem } from "./problem.js";

const QUIET_MILLISECONDS = 60_000;

export const partOf = (file, number, partSize) => file.slice((number - 1) * partSize, Math.min(number * partSize, file.size));

/* SHA-256 in base64, as `x-amz-checksum-sha256` wants it. */
export async function sha256(blob) {
  let content;
  try {
    content = await blob.arrayBuffer();
  } catch {
    throw new Problem({ status: 422, code: "unreadable", detail: "The file cannot be read any more: it was changed or moved since it was chosen. Choose it again." });
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return btoa(String.fromCharCode(...digest));
}

/* Send one part by its presigned URL. XMLHttpRequest, because fetch does not tell how far a body has been sent. */
export function send({ url, method, headers }, blob, { signal, onProgress }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let watch = 0;
    const awake = () => {
      clearTimeout(watch);
      watch = setTimeout(() => request.abort(), QUIET_MILLISECONDS);
    };
    const abort = () => request.abort();
    const fail = (problem) => reject(signal.aborted ? signal.reason : problem);
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", ({ loaded }) => { awake(); onProgress(loaded); });
    request.addEventListener("load", () => (request.status < 300 ? resolve() : fail(answered(request))));
    request.addEventListener("error", () => fail(new Problem({ code: "unreachable", detail: UNREACHABLE })));
    request.addEventListener("abort", () => fail(new Problem({ code: "stalled", detail: "The storage took no data for a minute." })));
    request.addEventListener("loadend", () => { clearTimeout(watch); signal.removeEventListener("abort", abort); });
    signal.addEventListener("abort", abort, { once: true });
    awake();
    request.send(blob);
  });
}

const UNREACHABLE = "The storage cannot be reached from this browser. If the connection works otherwise, the bucket may"
  + " not allow this site (CORS): tell an administrator.";

/* S3 answers errors as XML with Code and Message. 403 is an expired URL, 400 bytes damaged on the way: both pass. */
function answered(request) {
  const found = new DOMParser().parseFromString(request.responseText, "text/xml");
  const text = (name) => found.querySelector(name)?.textContent ?? "";
  const problem = new Problem({ status: request.status, code: text("Code"), detail: `The storage answered ${request.status} ${text("Code")}: ${text("Message")}` });
  Object.defineProperty(problem, "passes", { value: request.status !== 404 });
  return problem;
}

/* What went wrong, as the API tells it (RFC 9457), shown with its remedies. */

import { make } from "./dom.js";

export class Problem extends Error {
  constructor({ status = 0, code = "", detail, errors = [], retryAfter = 0, requestId = "" }) {
    super(detail);
    Object.assign(this, { status, code, errors, retryAfter, requestId });
  }

  /* Whether the same request may well work in a moment. */
  get passes() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

export async function problemOf(response) {
  const body = await response.json().catch(() => ({}));
  return new Problem({
    status: response.status,
    code: body.code,
    detail: body.detail ?? `The server answered ${response.status} ${response.statusText}.`,
    errors: body.errors,
    retryAfter: Number(response.headers.get("Retry-After")) || 0,
    requestId: body.request_id ?? "",
  });
}

const fieldOf = ({ pointer }) => pointer.replace(/^[/?]/, "").replaceAll("/", ", ").replaceAll("_", " ");

/* The lines to show: the detail, then each field's remedy that it does not hold already. */
export function linesOf(error) {
  const lines = [error.message];
  for (const one of error.errors ?? []) {
    if (!error.message.includes(one.detail)) lines.push(`${fieldOf(one)}: ${one.detail}`);
  }
  if (error.retryAfter) lines.push(`Try again in ${error.retryAfter} seconds.`);
  if (error.status >= 500 && error.requestId) lines.push(`If it stays so, tell an administrator this number: ${error.requestId}`);
  return lines;
}

/* Show in a form: beside all fields, and mark those that are wrong. */
export function showInForm(form, error) {
  const wrong = new Set((error?.errors ?? []).map(({ pointer }) => pointer.split("/")[1]));
  for (const field of form.elements) {
    if (wrong.has(field.name)) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }
  const place = form.querySelector(".form-problem");
  place.replaceChildren(...(error ? linesOf(error).map((line) => make("p", {}, line)) : []));
  form.querySelector("[aria-invalid]")?.focus();
}

/* One dialog that asks before something ends for good, with a reason where the API records one. */

import { byId, make } from "./dom.js";
import { linesOf } from "./problem.js";

/* Ask; `act(reason)` is carried out while the dialog is open, and what goes wrong is shown in it. Gives true once done. */
export function confirm({ title, text, yes, no = "Keep", withReason = false, act }) {
  const dialog = byId("confirm");
  const form = dialog.querySelector("form");
  const [noButton, yesButton] = form.querySelectorAll(".dialog-buttons button");
  const reason = byId("confirm-reason");
  const problem = form.querySelector(".form-problem");
  byId("confirm-title").textContent = title;
  byId("confirm-text").textContent = text;
  byId("confirm-reason-field").hidden = !withReason;
  noButton.textContent = no;
  yesButton.textContent = yes;
  yesButton.disabled = false;
  reason.value = "";
  problem.replaceChildren();
  const complain = (lines) => problem.replaceChildren(...lines.map((line) => make("p", {}, line)));
  return new Promise((resolve) => {
    let done = false;
    const submit = async (event) => {
      event.preventDefault();
      if (withReason && !reason.value.trim()) {
        complain(["Give a reason: it is recorded with this."]);
        return reason.focus();
      }
      yesButton.disabled = true;
      try {
        await act(reason.value.trim());
        done = true;
        dialog.close();
      } catch (error) {
        complain(linesOf(error));
      } finally {
        yesButton.disabled = false;
      }
    };
    const close = () => dialog.close();
    form.addEventListener("submit", submit);
    noButton.addEventListener("click", close);
    dialog.addEventListener("close", () => {
      form.removeEventListener("submit", submit);
      noButton.removeEventListener("click", close);
      // The browser gives the focus back to the button that asked, if that is still there.
      if (document.activeElement === document.body) document.querySelector("[data-section]:not([hidden]) h2").focus();
      resolve(done);
    }, { once: true });
    dialog.showModal();
    (withReason ? reason : noButton).focus();
  });
}

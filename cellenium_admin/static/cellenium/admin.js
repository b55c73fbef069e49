/* Small helps for the confirmations and the key display; every page works without them but for copy and download. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const first = document.querySelector("[data-outcome], [data-focus], .field-wrong input, .field-wrong select")
    || document.querySelector(".confirm-form input:not([type=hidden]), .confirm-form select");
  if (first) first.focus();
  captionList(document.getElementById("result_list"));
  document.querySelectorAll(".confirm-form").forEach(sendOnce);
  document.querySelectorAll("[data-suggest]").forEach(suggestNames);
  document.querySelectorAll("[data-forget]").forEach(keepOnlyHere);
});

/* Sending twice would put the second answer in the place of the first, which may have held a secret. */
function sendOnce(form) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
  window.addEventListener("pageshow", () => { sent = false; });
}

/* The theme's list has no caption; its page's title says what it lists. */
function captionList(table) {
  if (!table || table.caption) return;
  const caption = table.createCaption();
  caption.className = "visually-hidden";
  caption.textContent = document.title.split("|")[0].trim();
}

/* Names for a text field come from the admin's own search, a moment after typing has paused. */
function suggestNames(input) {
  const list = document.createElement("datalist");
  list.id = `${input.id}_names`;
  input.after(list);
  input.setAttribute("list", list.id);
  let pause = 0;
  const look = async () => {
    const answer = await fetch(`${input.dataset.suggest}&term=${encodeURIComponent(input.value)}`);
    if (!answer.ok) return;
    const { results } = await answer.json();
    list.replaceChildren(...results.map(({ text }) => Object.assign(document.createElement("option"), { value: text })));
  };
  input.addEventListener("focus", look, { once: true });
  input.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(look, 200);
  });
}

/* Browsers give the clipboard to pages served by HTTPS or from this machine only; elsewhere the text is selected. */
async function copied(element, name) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return `${name} copied.`;
  } catch {
    getSelection().selectAllChildren(element);
    return `${name} is selected: copy it with the keyboard.`;
  }
}

/* A secret is on this page only: reloading leads elsewhere, and leaving wipes it before any cache keeps the page. */
function keepOnlyHere(section) {
  const status = section.querySelector("[role=status]");
  const secretOf = (button) => section.querySelector(button.dataset.of).textContent;
  history.replaceState(null, "", section.dataset.forget);
  section.addEventListener("click", async ({ target }) => {
    const button = target.closest("button");
    if (button?.dataset.copy !== undefined) {
      status.textContent = await copied(section.querySelector(button.dataset.of), button.dataset.copy);
    } else if (button?.dataset.file) {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([secretOf(button)], { type: "text/plain" }));
      link.download = button.dataset.file;
      link.click();
      URL.revokeObjectURL(link.href);
      status.textContent = `${button.dataset.file} saved.`;
    }
  });
  window.addEventListener("pagehide", () => section.replaceChildren());
}

/* The sections of the page: one is shown, named by the fragment of the address. */

import { byId } from "./dom.js";

export function showSections() {
  const sections = [...document.querySelectorAll("[data-section]")];
  const links = [...document.querySelectorAll(".sections a")];
  const choose = ({ moveFocus }) => {
    const wanted = location.hash.slice(1);
    const chosen = sections.find(({ dataset }) => dataset.section === wanted);
    if (wanted && !chosen) return;
    const name = chosen?.dataset.section ?? sections[0].dataset.section;
    for (const section of sections) section.hidden = section.dataset.section !== name;
    for (const link of links) {
      if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    if (!moveFocus) return;
    byId(`${name}-heading`).focus();
    scrollTo(0, 0);
  };
  window.addEventListener("hashchange", () => choose({ moveFocus: true }));
  choose({ moveFocus: false });
}

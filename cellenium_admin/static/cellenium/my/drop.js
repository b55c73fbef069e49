/* The drop zone and the file button. A file that misses the zone is taken as well: the browser would open it. */

import { byId } from "./dom.js";

export function takeFiles(onFiles) {
  const zone = byId("drop");
  const input = byId("files");
  let inside = 0;
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  const mark = (change) => {
    inside = Math.max(0, inside + change);
    zone.classList.toggle("is-over", inside > 0);
  };
  byId("choose").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    const files = [...input.files];
    input.value = "";
    if (files.length) onFiles(files);
  });
  window.addEventListener("dragenter", (event) => { if (carriesFiles(event)) mark(1); });
  window.addEventListener("dragleave", (event) => { if (carriesFiles(event)) mark(-1); });
  window.addEventListener("dragover", (event) => { if (carriesFiles(event)) event.preventDefault(); });
  window.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    mark(-inside);
    onFiles(filesOf(event.dataTransfer));
  });
}

/* Folders come as an entry without bytes that can be read; only files are taken. */
function filesOf(transfer) {
  const isFolder = (item) => item.webkitGetAsEntry?.()?.isDirectory;
  return [...transfer.items].filter((item) => item.kind === "file" && !isFolder(item)).map((item) => item.getAsFile());
}

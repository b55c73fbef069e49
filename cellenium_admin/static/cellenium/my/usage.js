/* How much of one's quota is used. */

import { byId, setText } from "./dom.js";
import { bytes } from "./format.js";

const show = (name, used, most, text) => {
  byId(`usage-${name}`).max = Math.max(1, most);
  byId(`usage-${name}`).value = Math.min(used, most);
  setText(byId(`usage-${name}-text`), `${text(used)} of ${text(most)}`);
};

export async function showUsage(api) {
  const usage = await api.get("uploads/usage");
  show("bytes", usage.bytes, usage.max_bytes, bytes);
  show("files", usage.files, usage.max_files, (count) => count.toLocaleString());
  byId("usage").hidden = false;
}

/* "My uploads and credentials": everything on this page comes from the REST API. */

import { Api } from "./api.js";
import { Credentials } from "./credentials.js";
import { byId, make } from "./dom.js";
import { takeFiles } from "./drop.js";
import { showSections } from "./sections.js";
import { Session } from "./session.js";
import { Sessions } from "./sessions.js";
import { Tokens } from "./tokens.js";
import { Uploads } from "./uploads.js";
import { showUsage } from "./usage.js";

const config = JSON.parse(byId("page-config").textContent);
const api = new Api(config, new Session(config));
const uploads = new Uploads(api, config, () => showUsage(api).catch(() => { byId("usage").hidden = true; }));
const sessions = new Sessions(api, config, () => credentials.forget());
const credentials = new Credentials(api, config, () => sessions.refresh());

showSections();
credentials.start();
if (isSecureContext) {
  takeFiles((files) => uploads.add(files));
} else {
  byId("drop").replaceChildren(make("p", { className: "notice notice-warning" }, "Browsers upload files from pages served by HTTPS only: they check every part with SHA-256, which plain HTTP does not give them. Ask an administrator for the HTTPS address, or use the command-line client."));
}
uploads.start();
sessions.start();
new Tokens(api).start();

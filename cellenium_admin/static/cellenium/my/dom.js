/* Elements, announcements and the clipboard. Text is always set as text, never as markup. */

export const byId = (id) => document.getElementById(id);

/* Make an element: properties, `dataset` and `aria-...` attributes, then children (text, elements, nothing). */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name === "dataset") Object.assign(element.dataset, value);
    else if (name.includes("-") || name === "role") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/* A button whose whole name says what it acts on, though only the first word is seen. */
export function button(text, about, onClick, className = "button button-small") {
  const rest = about ? make("span", { className: "visually-hidden" }, ` ${about}`) : null;
  const element = make("button", { type: "button", className }, text, rest);
  element.addEventListener("click", onClick);
  return element;
}

let pending = 0;

/* Tell screen readers; a text that is said twice is heard twice. */
export function announce(text) {
  const region = byId("announcements");
  region.textContent = "";
  clearTimeout(pending);
  pending = setTimeout(() => { region.textContent = text; }, 60);
}

/* Copy a text. Browsers give the clipboard to pages served by HTTPS or from this machine only; else select it. */
export async function copy(text, name, shown) {
  try {
    await navigator.clipboard.writeText(text);
    announce(`${name} copied.`);
    return true;
  } catch {
    if (shown) getSelection().selectAllChildren(shown);
    announce(`This browser does not let the page copy. ${name} is selected: copy it with the keyboard.`);
    return false;
  }
}

/* A button that copies what `text()` gives at that moment, and says so on its face. */
export function copyButton(name, text, shown) {
  const face = make("span", {}, "Copy");
  const element = make("button", { type: "button", className: "button button-small" }, face,
    make("span", { className: "visually-hidden" }, ` ${name}`));
  element.addEventListener("click", async () => {
    face.textContent = (await copy(text(), name, shown())) ? "Copied" : "Selected";
    setTimeout(() => { face.textContent = "Copy"; }, 2000);
  });
  return element;
}

/* Put children in place only where they differ in order or number, so that focus stays where it is. */
export function arrange(parent, children) {
  children.forEach((child, place) => {
    if (parent.children[place] !== child) parent.insertBefore(child, parent.children[place] ?? null);
  });
  while (parent.children.length > children.length) parent.lastElementChild.remove();
}

/* Set text only when it changes: screen readers and selections are not disturbed by the same text. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

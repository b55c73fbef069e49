/* Which file an upload began with, kept in this browser so that choosing it again goes on. No secret is in here. */

const KEY = "cellenium.uploads";

const read = () => {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
};

const write = (all) => {
  try {
    localStorage.setItem(KEY, JSON.stringify(all));
  } catch {
    // A browser that keeps nothing still uploads; the server's list tells name and size.
  }
};

/* As the server writes names: one form for each letter, whatever the file system's. */
export const nameOf = (file) => file.name.normalize("NFC").trim();

const labelOf = (file) => ({ name: nameOf(file), size: file.size, lastModified: file.lastModified });

export const isSame = (one, other) => JSON.stringify(labelOf(one)) === JSON.stringify(labelOf(other));

export function remember(id, file) {
  write({ ...read(), [id]: labelOf(file) });
}

export function forget(id) {
  const { [id]: _, ...others } = read();
  write(others);
}

/* Forget all that the server does not count as unfinished any more. */
export function keepOnly(ids) {
  const all = read();
  write(Object.fromEntries(Object.entries(all).filter(([id]) => ids.has(id))));
}

/* Find the unfinished upload this file belongs to: first one begun with exactly it, else one of its name and size. */
export function matching(file, uploads) {
  const all = read();
  const alike = uploads.filter(({ filename, size }) => filename === nameOf(file) && size === file.size);
  return alike.find(({ id }) => all[id]?.lastModified === file.lastModified) ?? alike.find(({ id }) => !all[id]) ?? alike[0] ?? null;
}

/* Numbers and times for people. */

const UNITS = ["bytes", "KB", "MB", "GB", "TB"];

/* Sizes in powers of 1000, as file managers show them. */
export function bytes(count) {
  const power = Math.min(Math.floor(Math.log10(Math.max(count, 1)) / 3), UNITS.length - 1);
  const value = count / 1000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[power]}`;
}

export const rate = (bytesPerSecond) => `${(bytesPerSecond / 1e6).toFixed(1)} MB/s`;

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const two = (large, first, small, second) => [large, first, ...(small ? [small, second] : [])].join(" ");
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return two(Math.floor(whole / 60), "min", whole % 60, "s");
  if (whole < 86400) return two(Math.floor(whole / 3600), "h", Math.floor((whole % 3600) / 60), "min");
  return two(Math.floor(whole / 86400), "d", Math.floor((whole % 86400) / 3600), "h");
}

/* What is left, as a clock that does not jump in width. */
export function clock(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${two(minutes)}:${two(rest)}`;
}

const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export const moment = (iso) => MOMENT.format(new Date(iso));

export const secondsUntil = (iso) => (new Date(iso) - Date.now()) / 1000;

export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

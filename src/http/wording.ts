import { type Hlc, hlcSeconds } from "../hlc.ts";

const DAY = 86_400_000;

/** `0.4 s`, `12 s`, `3 min 5 s`, `25 h`, `26 h 7 min`, `4 d 3 h` */
export function duration(seconds: number): string {
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return inTwo(Math.floor(whole / 60), "min", whole % 60, "s");
  if (whole < 2 * 86400) return inTwo(Math.floor(whole / 3600), "h", Math.floor(whole % 3600 / 60), "min");
  return inTwo(Math.floor(whole / 86400), "d", Math.floor(whole % 86400 / 3600), "h");
}

/** The same between two moments in milliseconds, to the second: nothing flickers while it grows. */
export function elapsed(from: number, to: number): string {
  return duration(Math.max(0, Math.floor((to - from) / 1000))).replace(".0", "");
}

/** `21:56:48 UTC`; with the date when that is not the day of `now`. Both in milliseconds since 1970. */
export function clock(at: number, now: number): string {
  const [date = "", time = ""] = new Date(at).toISOString().slice(0, 19).split("T");
  return `${Math.floor(at / DAY) === Math.floor(now / DAY) ? "" : `${date} `}${time} UTC`;
}

/** A timestamp of CockroachDB in milliseconds since 1970. */
export function milliseconds(timestamp: Hlc): number {
  return hlcSeconds(timestamp) * 1000;
}

/** `1,234,567`; below 10 with one digit behind the point, unless it is whole. */
export function count(value: number): string {
  const digits = value < 10 && !Number.isInteger(value) ? 1 : 0;
  return value.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

/** `1 message`, `2 messages` */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** `512 B`, `3.4 KiB`, `1.2 MiB`, in one piece */
export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes}\u00a0B`;
  return bytes < 1024 ** 2
    ? `${(bytes / 1024).toFixed(1)}\u00a0KiB`
    : `${(bytes / 1024 ** 2).toFixed(1)}\u00a0MiB`;
}

function inTwo(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return `${large} ${largeUnit}${small === 0 ? "" : ` ${small} ${smallUnit}`}`;
}

/**
 * A hybrid logical clock reading as CockroachDB prints it: wall time in nanoseconds since 1970, a dot, and
 * ten digits of a logical counter (`1795327222747839112.0000000000`). Kept as text: two readings compare
 * without being parsed, and no digit is ever lost.
 */
export type Hlc = string & { readonly hlc: unique symbol };

/** The logical part is an int32; so it is below 2^32 (see {@linkcode Instant}). */
const CANONICAL = /^(?:0|[1-9]\d*)\.[0-3]\d{9}$/;
const LOGICAL_DIGITS = 10;
const HIGHEST_LOGICAL = 2 ** 31 - 1;
const NO_LOGICAL = ".0000000000";
const SYNTHETIC = "?";

/**
 * Reads an HLC text as CockroachDB prints it; `undefined` when the text is anything else. From v21.1 to v23.1 timestamps of
 * GLOBAL tables end in `?` (synthetic: no clock has shown them yet). It is dropped: it counts neither in the order nor as a
 * cursor (EqOrdering of util/hlc/timestamp.go; DatumToHLC of sem/tree/as_of.go takes both; v22.1-alpha).
 */
export function parseHlc(text: string): Hlc | undefined {
  const canonical = text.endsWith(SYNTHETIC) ? text.slice(0, -SYNTHETIC.length) : text;
  return CANONICAL.test(canonical) ? canonical as Hlc : undefined;
}

/**
 * Negative when `a` is earlier than `b`, zero when equal, positive when later. Both have no leading zeros and a
 * fixed logical part, so the longer text is the later time and texts of one length compare as they are.
 */
export function compareHlc(a: Hlc, b: Hlc): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The later of the two; `undefined` is earlier than everything. */
export function latestHlc(a: Hlc | undefined, b: Hlc | undefined): Hlc | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compareHlc(a, b) < 0 ? b : a;
}

/** The reading just before: `a < b` and `a <= previousHlc(b)` are the same. There is none before 0. */
export function previousHlc(hlc: Hlc): Hlc {
  const dot = hlc.indexOf(".");
  const wall = hlc.slice(0, dot), logical = Number(hlc.slice(dot + 1));
  const [before, rest] = logical > 0 ? [wall, logical - 1] : [BigInt(wall) - 1n, HIGHEST_LOGICAL];
  return `${before}.${String(rest).padStart(LOGICAL_DIGITS, "0")}` as Hlc;
}

/** A reading as numbers, for where very many are remembered. No digit is lost. */
export interface Instant {
  /** Whole seconds of the wall time. */
  readonly seconds: number;
  /** The rest of it, below 10^9. */
  readonly nanos: number;
  /** Below 2^32. */
  readonly logical: number;
}

const NANO_DIGITS = 9;
/** The rows of a transaction, and those of a scan, have one timestamp. */
let latest: { readonly hlc: Hlc; readonly instant: Instant } | undefined;

/** The reading as numbers. */
export function instantOf(hlc: Hlc): Instant {
  if (latest?.hlc === hlc) return latest.instant;
  const dot = hlc.length - LOGICAL_DIGITS - 1;
  const instant = {
    seconds: digits(hlc, 0, dot - NANO_DIGITS),
    nanos: digits(hlc, Math.max(0, dot - NANO_DIGITS), dot),
    logical: digits(hlc, dot + 1, hlc.length),
  };
  latest = { hlc, instant };
  return instant;
}

/** The reading with these numbers. */
export function hlcOfInstant({ seconds, nanos, logical }: Instant): Hlc {
  const wall = seconds === 0 ? nanos : `${seconds}${String(nanos).padStart(NANO_DIGITS, "0")}`;
  return `${wall}.${String(logical).padStart(LOGICAL_DIGITS, "0")}` as Hlc;
}

/** Negative when `a` is earlier than `b`, zero when equal, positive when later. */
export function compareInstants(a: Instant, b: Instant): number {
  return a.seconds - b.seconds || a.nanos - b.nanos || a.logical - b.logical;
}

function digits(text: string, from: number, to: number): number {
  let number = 0;
  for (let i = from; i < to; i++) number = 10 * number + text.charCodeAt(i) - 48;
  return number;
}

/** The wall clock part in seconds since 1970, to the precision of a double (about 0.2 µs). */
export function hlcSeconds(hlc: Hlc): number {
  const wall = hlc.slice(0, -(LOGICAL_DIGITS + 1));
  return Number(wall.slice(0, -9) || "0") + Number(wall.slice(-9)) / 1e9;
}

/** Short form used in `message-id`: the logical part is left out when it is zero, else printed as an integer. */
export function shortHlc(hlc: Hlc): string {
  if (hlc.endsWith(NO_LOGICAL)) return hlc.slice(0, -NO_LOGICAL.length);
  const dot = hlc.length - LOGICAL_DIGITS - 1;
  return `${hlc.slice(0, dot)}.${Number(hlc.slice(dot + 1))}`;
}

/** RFC 3339 with nanoseconds, the logical part dropped: `2026-11-22T05:53:42.747839112Z`. */
export function hlcTime(hlc: Hlc): string {
  const wall = hlc.slice(0, -(LOGICAL_DIGITS + 1)).padStart(10, "0");
  const instant = new Date(Number(wall.slice(0, -9)) * 1000).toISOString();
  return `${instant.slice(0, 19)}.${wall.slice(-9)}Z`;
}

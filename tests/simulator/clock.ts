import type { Hlc } from "../../src/hlc.ts";

const NANOSECONDS = 1_000_000n;

/** The cluster's hybrid logical clock: no two readings are equal, and none is earlier than one before it. */
export class Clock {
  readonly #epoch = BigInt(Date.now()) * NANOSECONDS;
  readonly #start = performance.now();
  #last = 0n;

  /** A reading later than every one before, in nanoseconds since 1970. */
  wall(): bigint {
    const measured = this.#epoch + BigInt(Math.round((performance.now() - this.#start) * 1e6));
    this.#last = measured > this.#last ? measured : this.#last + 1n;
    return this.#last;
  }

  /** A reading later than every one before. */
  now(): Hlc {
    return hlcOf(this.wall());
  }
}

/** The text of a reading. */
export function hlcOf(wall: bigint, logical = 0): Hlc {
  return `${wall}.${String(logical).padStart(10, "0")}` as Hlc;
}

/** The wall clock part in nanoseconds since 1970. */
export function wallOf(hlc: Hlc): bigint {
  return BigInt(hlc.slice(0, hlc.indexOf(".")));
}

/** The latest reading before one without a logical part: what a feed resolves just before a schema change. */
export function justBefore(hlc: Hlc): Hlc {
  return hlcOf(wallOf(hlc) - 1n, 2147483647);
}

/** As CockroachDB's errors print it: `1795330792.400000000,0`. */
export function printed(hlc: Hlc): string {
  const dot = hlc.indexOf(".");
  const wall = hlc.slice(0, dot).padStart(10, "0");
  return `${wall.slice(0, -9)}.${wall.slice(-9)},${Number(hlc.slice(dot + 1))}`;
}

const DECIMAL = /^(\d+)(?:\.(\d{1,10}))?$/;
const INTERVAL = /^-(\d+(?:\.\d+)?)\s*(ms|s|m|h)$/;
const UNITS: Readonly<Record<string, number>> = { ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** Reads what AS OF SYSTEM TIME and `cursor` accept: a decimal, a timestamp or a negative interval. */
export function parseSystemTime(text: string, now: Hlc): Hlc | undefined {
  const [decimal, wall, logical = ""] = DECIMAL.exec(text) ?? [];
  if (decimal !== undefined) return hlcOf(BigInt(wall!), Number(logical.padEnd(10, "0")));
  const [interval, amount, unit] = INTERVAL.exec(text) ?? [];
  if (interval !== undefined) {
    return hlcOf(wallOf(now) - BigInt(Math.round(Number(amount) * UNITS[unit!]!)));
  }
  if (!/^\d{4}-\d{2}-\d{2}/.test(text)) return undefined;
  const milliseconds = Date.parse(/[zZ]|[+-]\d{2}(:?\d{2})?$/.test(text) ? text : `${text}Z`);
  return Number.isNaN(milliseconds) ? undefined : hlcOf(BigInt(milliseconds) * NANOSECONDS);
}

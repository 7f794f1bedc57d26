import { type Hlc, previousHlc } from "../hlc.ts";
import { parseTimestamp } from "./timestamp.ts";
import { unquoted } from "./reading.ts";

/** An option of the changefeed; without a value it is a bare word. */
export interface ChangefeedOption {
  /** Lower-case letters, digits and underscores. */
  readonly name: string;
  /** Any text; `undefined` for a bare word. */
  readonly value: string | undefined;
}

/** Options that the agent sets itself, each with what to do instead. */
export const OWNED_OPTIONS: Readonly<Record<string, string>> = {
  cursor: "the agent starts from the stored cursor",
  resolved: "use --cursor-frequency",
  initial_scan: "use --initial-scan",
  no_initial_scan: "use --initial-scan",
  initial_scan_only: "use --initial-scan",
  min_checkpoint_frequency: "use --cursor-frequency",
  diff: "use --diff",
  format: "the agent reads JSON only; --format shapes the message",
};

/** Options that no feed with a cursor can have, each with the reason. */
const REFUSED_OPTIONS: Readonly<Record<string, string>> = {
  unordered: "CockroachDB sends no resolved timestamps with it, so there would be no cursor",
  key_column:
    "it needs unordered, with which CockroachDB sends no resolved timestamps, so there would be no cursor",
};

/** The agent ends the feed itself, see feed_end.ts. */
const END_TIME = "end_time";

/** Values of the option `envelope` that the agent can read. */
export const ENVELOPES: readonly string[] = ["wrapped", "enriched", "row", "bare", "key_only"];

/** Reads `name`, `name=value` or `name="a, b"`. Returns what is wrong as a text. */
export function parseChangefeedOption(text: string): ChangefeedOption | string {
  const [, written, given] = /^([a-z_][a-z0-9_]*)(?:=(.*))?$/is.exec(text) ?? [];
  if (written === undefined) {
    return "expected an option of CREATE CHANGEFEED such as full_table_name or envelope=row";
  }
  const name = written.toLowerCase(), value = given === undefined ? undefined : unquoted(given);
  if (Object.hasOwn(OWNED_OPTIONS, name)) return `the agent sets ${name} itself; ${OWNED_OPTIONS[name]}`;
  if (Object.hasOwn(REFUSED_OPTIONS, name)) return `refused: ${REFUSED_OPTIONS[name]}`;
  if (name === "envelope" && !ENVELOPES.includes(value ?? "")) {
    return `expected envelope to be one of ${ENVELOPES.join(", ")}`;
  }
  if (name === END_TIME && parseTimestamp(value ?? "") === undefined) {
    return "expected end_time in nanoseconds since 1970 (19 digits), or as in 2026-01-31T12:00:00Z";
  }
  return { name, value };
}

/** With the envelope of a query's rows: `bare` as CockroachDB has it, unless that has no room for the row before. */
export function withQueryEnvelope(
  options: readonly ChangefeedOption[],
  diff: boolean,
): readonly ChangefeedOption[] {
  if (options.some(({ name }) => name === "envelope")) return options;
  return [...options, { name: "envelope", value: diff ? "wrapped" : "bare" }];
}

/** The last timestamp before `end_time`, as CockroachDB reads it: what has that time itself is left out. */
export function lastBeforeEnd(options: readonly ChangefeedOption[]): Hlc | undefined {
  const end = parseTimestamp(options.find(({ name }) => name === END_TIME)?.value ?? "");
  return end && previousHlc(end);
}

/** The options that CockroachDB is given. */
export function withoutEnd(options: readonly ChangefeedOption[]): readonly ChangefeedOption[] {
  return options.filter(({ name }) => name !== END_TIME);
}

import fc from "fast-check";
import { type Change, changeOf } from "../../src/change.ts";
import { type Hlc, parseHlc } from "../../src/hlc.ts";

/** The text as an HLC; a test that gives anything else is wrong. */
export function hlc(text: string): Hlc {
  const parsed = parseHlc(text);
  if (parsed === undefined) throw new Error(`"${text}" is no HLC`);
  return parsed;
}

/** The HLC of these parts. */
export function hlcOf(wall: bigint | number, logical: bigint | number = 0): Hlc {
  return hlc(`${wall}.${String(logical).padStart(10, "0")}`);
}

/** A change of table `t`, key `[1]`, with what the test cares about. */
export function change(parts: Partial<Omit<Change, "kind" | "identity" | "row">> = {}): Change {
  return changeOf({
    table: "t",
    key: "[1]",
    value: '{"after": {"a": 1}}',
    updated: hlcOf(1),
    operation: "upsert",
    ...parts,
  });
}

/** Wall clocks of every length, most of them of our century. */
export const anyHlc: fc.Arbitrary<Hlc> = fc.tuple(
  fc.oneof(fc.bigInt(0n, 10n ** 19n), fc.bigInt(1_600_000_000n * 10n ** 9n, 1_900_000_000n * 10n ** 9n)),
  fc.oneof(fc.constant(0n), fc.bigInt(0n, 2n ** 31n - 1n)),
).map(([wall, logical]) => hlcOf(wall, logical));

/** Texts with quotes, backslashes, control characters, emoji, and what the parsers look for. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.constantFrom(
    "",
    '"',
    "\\",
    '\\"',
    "\u0000\u001f\u007f\u2028",
    "😀",
    "{",
    "}}",
    ', "updated": "1795327222747839112.0000000000"}',
    '", "updated": "1795327222747839112.0000000000"}',
    ', "before": null}',
    '"__crdb__": {"updated": "1795327222747839112.0000000000"}',
    '{"resolved":"1795327222747839112.0000000000"}',
    '{"after": null',
  ),
);

const anyNumber = fc.tuple(
  fc.constantFrom("", "-"),
  fc.bigInt(0n, 10n ** 40n),
  fc.constantFrom("", ".5", ".10", ".000000000000000000001", "E+300"),
).map((parts) => parts.join(""));

/**
 * Without backslashes, so that tests can compare with JSON.parse: V8's takes an escaped name for a backslash where an earlier
 * object had one in that place. After `{"":1,"\\":1}` it reads `{"":1,"\"":1}` as the former (Deno 2.9.6 with V8 15.0;
 * nodejs/node#63785; found from V8 13.6 on).
 */
const anyName = fc.oneof(
  anyText.filter((text) => !text.includes("\\")),
  fc.constantFrom("after", "before", "updated", "resolved", "mvcc_timestamp", "__proto__", "a", "Z"),
);

/** JSON texts as CockroachDB prints a column: a blank after colon and comma, numbers with every digit they have. */
export const anyColumn: fc.Arbitrary<string> = fc.letrec<{ column: string }>((tie) => ({
  column: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom("null", "true", "false"),
    anyNumber,
    anyText.map((text) => JSON.stringify(text)),
    fc.array(tie("column"), { maxLength: 4 }).map((items) => `[${items.join(", ")}]`),
    fc.array(fc.tuple(anyName, tie("column")), { maxLength: 4 }).map(printObject),
  ),
})).column;

/** One row as a JSON object; no column is called `__crdb__`, which CockroachDB keeps for itself. */
export const anyRow: fc.Arbitrary<string> = fc.array(
  fc.tuple(anyName.filter((name) => name !== "__crdb__"), anyColumn),
  { maxLength: 6 },
).map(printObject);

/** An object in CockroachDB's spelling: members sorted by name, each name once. */
export function printObject(members: readonly (readonly [string, string])[]): string {
  const sorted = [...new Map(members)].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
  return `{${sorted.map(([name, json]) => `${JSON.stringify(name)}: ${json}`).join(", ")}}`;
}

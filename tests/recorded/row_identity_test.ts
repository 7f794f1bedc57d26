import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Change } from "../../src/change.ts";
import type { CollatedKeys } from "../../src/cockroach/collated_key.ts";
import { envelopeReader } from "../../src/cockroach/envelope.ts";

/** The changes of the first changefeed in a recording, as they came. */
function changesOf(recording: string, collated: CollatedKeys = new Map()): Change[] {
  const lines = Deno.readTextFileSync(new URL(`data/${recording}.jsonl`, import.meta.url)).trimEnd().split(
    "\n",
  )
    .map((line) => JSON.parse(line));
  const diff = lines.some(({ sql }) => sql?.endsWith("diff"));
  const read = envelopeReader({
    shape: "wrapped",
    keepUpdated: false,
    diff,
    scanTimestamp: undefined,
    collated,
  });
  return lines.filter(({ msg }) => msg === "DataRow").map(({ values }) => {
    const [table, key, value] = values.map(text);
    return read({ table, key, value });
  }).filter((event) => event.kind === "change");
}

/** BYTES are recorded as `\x` and hex. */
function text(value: string | null): string | null {
  return value?.startsWith("\\x") ? Buffer.from(value.slice(2), "hex").toString() : value;
}

/** Tables of which every row was deleted, with the spellings of their rows' keys and of their deletions'. */
const DELETED: readonly (readonly [string, string, readonly string[], readonly string[]])[] = [
  ["21.2/composite_keys", "kd", ["[1.10]", "[1E+2]", "[2.0]"], ["[1.1]", "[1E+2]", "[2]"]],
  ["22.1/composite_keys", "kd", ["[1.10]", "[1E+2]", "[2.0]"], ["[1.1]", "[1E+2]", "[2]"]],
  ["21.2/composite_keys", "kf", ["[-0]", "[1.5]"], ["[0]", "[1.5]"]],
  ["22.1/composite_keys", "kf", ["[-0]", "[1.5]"], ["[0]", "[1.5]"]],
];

for (const [recording, table, ofRows, ofDeletions] of DELETED) {
  Deno.test(`recording ${recording}: each row of ${table} and its deletion are one row`, () => {
    const changes = changesOf(recording).filter((change) => change.table === table);
    const deletions = changes.filter(({ operation }) => operation === "delete");
    const rows = changes.filter(({ operation }) => operation !== "delete");
    const unique = (values: readonly string[]) => [...new Set(values)].sort();
    assert.deepEqual(unique(rows.map(({ key }) => key)), ofRows, "the body has the key as it came");
    assert.deepEqual(unique(deletions.map(({ key }) => key)), [...ofDeletions].sort());
    assert.deepEqual(
      unique(deletions.map(({ row }) => JSON.stringify(row))),
      unique(rows.map(({ row }) => JSON.stringify(row))),
    );
  });
}

for (const version of ["21.2", "22.1"]) {
  Deno.test(`recording ${version}/keys: a key of many columns is one row with its deletion`, () => {
    const changes = changesOf(`${version}/keys`).filter(({ table }) => table === "k");
    assert.deepEqual(changes.map(({ operation }) => operation), ["upsert", "delete"]);
    assert.notEqual(changes[0]!.key, changes[1]!.key);
    assert.deepEqual(changes[0]!.row, changes[1]!.row);
    assert.equal(changes[0]!.identity, changes[1]!.identity);
  });
}

for (const version of ["21.2", "22.1"]) {
  Deno.test(`recording ${version}/composite_keys: the deletion of a collated key is its row's where before tells the key`, () => {
    const collated: CollatedKeys = new Map([["kc", [{ name: "s", place: 0 }]]]);
    const changes = changesOf(`${version}/composite_keys`, collated).filter(({ table }) => table === "kc");
    const deletion = changes.find(({ operation }) => operation === "delete")!;
    assert.deepEqual(new Set(changes.map(({ identity }) => identity)), new Set(['["Abc"]']));
    assert.match(deletion.key, /\\u0015/, "the body has the key as it came");
    assert.deepEqual(deletion.row, changes[0]!.row);
  });
}

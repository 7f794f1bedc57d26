import { type Change, changeOf, type Operation } from "../change.ts";
import type { EnvelopeOptions } from "./envelope.ts";
import { isWholeJson, jsonMembers, jsonText, withoutMember } from "./json_member.ts";
import { malformedRow } from "./malformed_row.ts";
import { isOfScan, readTimestamp } from "./row_timestamp.ts";

/** `c` stands for the rows of a scan too; CockroachDB knows insert from update even without `diff` (v25.2). */
const OPERATIONS: Readonly<Record<string, Operation>> = { c: "insert", u: "update", d: "delete", r: "read" };

/**
 * Reads a row of `envelope=enriched` (v25.2 on): `{"after": …, "op": "c", "source": {…}, "ts_ns": 1}`, or with a schema
 * `{"payload": {…}, "schema": {…}}`. The commit timestamp is `ts_hlc` of `source`, which this program asks for and cuts
 * out again unless the operator wants it; `ts_ns` beside it is only the time of sending.
 *
 * @throws AgentError EnvelopeMalformed
 */
export function readEnriched(table: string, key: string, value: string, options: EnvelopeOptions): Change {
  const top = jsonMembers(value);
  const payload = top[0]?.name === "payload" ? jsonMembers(value, top[0].start) : top;
  const place = payload.findIndex(({ name }) => name === "source");
  const source = payload[place];
  const updated = source && readTimestamp(jsonText(value, jsonMembers(value, source.start), "ts_hlc"));
  const operation = OPERATIONS[jsonText(value, payload, "op")];
  if (source === undefined || updated === undefined || !isWholeJson(value, top)) {
    throw malformedRow(table, value, "has no commit timestamp in its source");
  }
  if (operation === undefined) throw malformedRow(table, value, "has no operation c, u, d or r");
  return changeOf({
    table,
    key,
    value: options.keepUpdated ? value : withoutMember(value, payload, place),
    updated,
    operation: isOfScan(updated, options) ? "read" : operation,
  });
}

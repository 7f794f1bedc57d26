import assert from "node:assert/strict";
import fc from "fast-check";
import { messageId } from "../../src/message_id.ts";
import { rowHash } from "../../src/row_hash.ts";
import { anyHlc, anyText, hlc } from "../support/arbitrary.ts";

Deno.test("messageId() is timestamp, hyphen and hash: 36 characters without a logical part", () => {
  const row = rowHash("foo", "[54]");
  const id = messageId(hlc("1795327222747839112.0000000000"), row);
  assert.equal(id, "1795327222747839112-S1JxBY7s5RidX67Y");
  assert.equal(id.length, 36);
  assert.equal(
    messageId(hlc("1795327222747839112.2147483647"), row),
    "1795327222747839112.2147483647-S1JxBY7s5RidX67Y",
  );
});

Deno.test("messageId() is one AMQP short string of plain characters", () => {
  fc.assert(fc.property(anyHlc, anyText, anyText, (updated, table, key) => {
    assert.match(messageId(updated, rowHash(table, key)), /^\d{1,20}(\.\d{1,10})?-[A-Za-z0-9_-]{16}$/);
  }));
});

import assert from "node:assert/strict";
import type { Message } from "../../src/encode.ts";
import { AgentError } from "../../src/errors.ts";
import { type DeadLetter, type OnUnpublishable, unpublishableHandler } from "../../src/unpublishable.ts";
import { change, hlcOf } from "../support/arbitrary.ts";

const row = change({ table: "orders", key: '["a@b"]', value: '{"after": {"secret": 1}}', updated: hlcOf(7) });
const message: Message = {
  body: "a row of data",
  contentType: "application/json",
  messageId: "7-HASH",
  type: "upsert",
  routingKey: "q",
  headers: undefined,
};

async function handle(policy: OnUnpublishable, failure?: Error) {
  const letters: DeadLetter[] = [], told: string[] = [];
  const handler = unpublishableHandler(policy, {
    unpublishable: (action, identity, reason) => void told.push(`${action} ${identity}: ${reason}`),
  });
  const error = await handler(row, message, "its body has 13 bytes", {
    deadLetter: (letter) =>
      failure === undefined ? (letters.push(letter), Promise.resolve()) : Promise.reject(failure),
  }).then(() => undefined, (error) => error);
  return { letters, told, error };
}

Deno.test("unpublishableHandler() fails with table, key and reason, and no row data", async () => {
  const { error, letters, told } = await handle("fail");
  assert.ok(error instanceof AgentError);
  assert.equal(error.kind, "MessageTooLarge");
  assert.equal(
    error.message,
    'Cannot publish the row with key "["a@b"]" of table "orders": its body has 13 bytes',
  );
  assert.match(error.hint, /--on-unpublishable/);
  assert.deepEqual([letters, told], [[], []]);
});

Deno.test("unpublishableHandler() skips and tells the identity", async () => {
  const { error, letters, told } = await handle("skip");
  assert.equal(error, undefined);
  assert.deepEqual(told, ['skip 7-HASH: table "orders": its body has 13 bytes']);
  assert.deepEqual(letters, []);
});

Deno.test("unpublishableHandler() sends a letter that names the row and why, without the body", async () => {
  const { error, letters, told } = await handle("dead-letter");
  assert.equal(error, undefined);
  const { body, headers, messageId, type } = letters[0]!;
  assert.equal(body.length, 0);
  assert.deepEqual([messageId, type], ["7-HASH", "upsert"]);
  assert.deepEqual(headers, {
    reason: "its body has 13 bytes",
    table: "orders",
    key: '["a@b"]',
    updated: hlcOf(7),
    size: 13,
  });
  assert.equal(told.length, 1);
});

Deno.test("unpublishableHandler() does not go on when the letter is not confirmed", async () => {
  const failure = new AgentError("BrokerUnreachable", "gone");
  const { error, told } = await handle("dead-letter", failure);
  assert.equal(error, failure);
  assert.deepEqual(told, []);
});

import assert from "node:assert/strict";
import type { Message } from "../../../src/encode.ts";
import { propertyBytes, refusal } from "../../../src/rabbitmq/message_limits.ts";

const MESSAGE: Message = {
  body: "ééé",
  contentType: "application/json",
  messageId: "1-abc",
  type: "upsert",
  routingKey: "queue",
  headers: undefined,
};

Deno.test("refusal() has nothing against a message within the broker's limits", () => {
  const most = propertyBytes({ ...MESSAGE, headers: { key: "[1]" } });
  const message = { ...MESSAGE, routingKey: "é".repeat(127), headers: { key: "[1]" } };
  assert.equal(refusal(message, { maxBodyBytes: 6 }, most), undefined);
  assert.equal(refusal(message, { maxBodyBytes: Infinity }, most), undefined);
});

Deno.test("refusal() says which part is too large, its bytes and what is allowed", () => {
  const refused = (parts: Partial<Message>, maxBodyBytes = Infinity) =>
    refusal({ ...MESSAGE, ...parts }, { maxBodyBytes }, 8184) ?? "";
  assert.match(refused({}, 5), /^its body has 6 bytes, .* at most 5$/);
  assert.match(refused({ routingKey: "é".repeat(128) }), /^its routing key has 256 bytes, .* allows 255$/);
  assert.match(
    refused({ headers: { key: "é".repeat(4092) } }),
    /^its properties have 82\d\d bytes, and RabbitMQ's frame_max allows 8184$/,
  );
});

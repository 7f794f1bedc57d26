import assert from "node:assert/strict";
import fc from "fast-check";
import type { Message } from "../../../src/encode.ts";
import { AgentError } from "../../../src/errors.ts";
import { propertyBytes } from "../../../src/rabbitmq/message_limits.ts";
import { PublishFrames } from "../../../src/rabbitmq/publish_frames.ts";
import { readMessages } from "./frame_reader.ts";

const utf8 = new TextEncoder(), decoder = new TextDecoder();
const MESSAGE: Message = {
  body: '{"table":"foo"}',
  contentType: "application/json",
  messageId: "1795327222747839112-ABCDEFGHIJKLMNOP",
  type: "upsert",
  routingKey: "changes",
  headers: undefined,
};

function write(frames: PublishFrames, ...messages: Message[]): Uint8Array {
  const room = messages.reduce((sum, message) => sum + frames.bound(message), 0);
  const into = new Uint8Array(room);
  let end = 0;
  for (const message of messages) {
    const bound = frames.bound(message);
    const from = end;
    end = frames.write(message, into, from);
    assert.ok(end - from <= bound, `${end - from} bytes written, at most ${bound} announced`);
  }
  return into.subarray(0, end);
}

Deno.test("PublishFrames.write() writes exactly 64 bytes of properties for an upsert of a JSON row", () => {
  const [read] = readMessages(write(new PublishFrames(1, "", 131_072), MESSAGE));
  assert.equal(read?.propertyBytes, 64);
});

Deno.test("PublishFrames.write() writes a mandatory, persistent message with its properties", () => {
  const [read] = readMessages(write(new PublishFrames(3, "events", 131_072), MESSAGE));
  assert.equal(read?.channel, 3);
  assert.equal(read?.exchange, "events");
  assert.equal(read?.routingKey, "changes");
  assert.equal(read?.mandatory, true);
  assert.deepEqual(read?.properties, {
    contentType: "application/json",
    deliveryMode: 2,
    messageId: MESSAGE.messageId,
    type: "upsert",
  });
  assert.equal(decoder.decode(read?.body), MESSAGE.body);
});

Deno.test("PublishFrames.write() leaves the message-id out when there is none", () => {
  const [read] = readMessages(write(new PublishFrames(1, "", 131_072), { ...MESSAGE, messageId: undefined }));
  assert.deepEqual(read?.properties, { contentType: "application/json", deliveryMode: 2, type: "upsert" });
});

Deno.test("PublishFrames.write() splits a body into frames of at most frame_max bytes", () => {
  const body = "é0123456".repeat(2000) + "!".repeat(2000);
  const [read] = readMessages(write(new PublishFrames(1, "", 8192), { ...MESSAGE, body }));
  assert.deepEqual(read?.frames.slice(2), [8192, 8192, 20_000 - 2 * 8184 + 8]);
  assert.equal(decoder.decode(read?.body), body);
});

Deno.test("PublishFrames.write() writes no body frame for an empty body", () => {
  const [read] = readMessages(write(new PublishFrames(1, "", 8192), { ...MESSAGE, body: "" }));
  assert.equal(read?.frames.length, 2);
});

Deno.test("PublishFrames.write() takes a frame_max of 0 for no limit", () => {
  const [read] = readMessages(write(new PublishFrames(1, "", 0), MESSAGE));
  assert.equal(decoder.decode(read?.body), MESSAGE.body);
});

Deno.test("PublishFrames.write() writes headers as the types every client reads", () => {
  const headers = {
    text: "naïve 😀 \0 \n",
    empty: "",
    yes: true,
    no: false,
    small: -2_147_483_648,
    large: 2 ** 40,
    negative: -(2 ** 53) + 1,
    fraction: 0.1,
    time: new Date("2026-01-31T12:00:00Z"),
    "clé": "value",
  };
  const [read] = readMessages(write(new PublishFrames(1, "", 131_072), { ...MESSAGE, headers }));
  assert.deepEqual(read?.properties.headers, headers);
  assert.equal(read?.properties.messageId, MESSAGE.messageId);
});

for (
  const [what, message] of [
    ["routing key", { ...MESSAGE, routingKey: "k".repeat(256) }],
    ["message-id", { ...MESSAGE, messageId: "é".repeat(128) }],
    ["type", { ...MESSAGE, type: "t".repeat(256) }],
    ["content-type", { ...MESSAGE, contentType: "c".repeat(256) }],
    ["name of a header", { ...MESSAGE, headers: { ["h".repeat(256)]: 1 } }],
    ["properties", { ...MESSAGE, headers: { key: "k".repeat(8192) } }],
  ] as const
) {
  Deno.test(`PublishFrames.write() refuses a ${what} that does not fit into AMQP`, () => {
    assert.throws(() => write(new PublishFrames(1, "", 8192), message), (error) => {
      assert.ok(error instanceof AgentError);
      assert.equal(error.kind, "MessageTooLarge");
      assert.match(error.message, new RegExp(`the ${what} would take \\d+ bytes$`));
      return true;
    });
  });
}

const anyText = fc.string({ unit: "binary", maxLength: 80 });
const anyMessage: fc.Arbitrary<Message> = fc.record({
  body: fc.oneof(
    anyText,
    fc.tuple(anyText, fc.nat(20_000)).map(([text, times]) => text.repeat(times / (1 + text.length))),
  ),
  contentType: fc.constantFrom("application/json", "application/cloudevents+json"),
  messageId: fc.option(anyText, { nil: undefined }),
  type: fc.constantFrom("insert", "update", "upsert", "delete", "read"),
  routingKey: anyText.filter((text) => utf8.encode(text).length <= 255),
  headers: fc.option(
    fc.dictionary(
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 10 }).filter((name) => name !== "__proto__"),
      fc.oneof(anyText, fc.boolean(), fc.maxSafeInteger(), fc.constantFrom(0.5, new Date(7000))),
      { maxKeys: 4, noNullPrototype: true },
    ),
    { nil: undefined },
  ),
});

Deno.test("PublishFrames.write() writes what the library's decoder reads back, whatever the messages", () => {
  fc.assert(
    fc.property(fc.array(anyMessage, { minLength: 1, maxLength: 4 }), (messages) => {
      const frameMax = 8192;
      const read = readMessages(write(new PublishFrames(1, "x", frameMax), ...messages));
      assert.equal(read.length, messages.length);
      for (const [index, message] of messages.entries()) {
        const { routingKey, properties, body, frames } = read[index]!;
        assert.equal(routingKey, message.routingKey);
        assert.equal(properties.contentType, message.contentType);
        assert.equal(properties.messageId, message.messageId);
        assert.equal(properties.type, message.type);
        assert.deepEqual(properties.headers, message.headers);
        assert.deepEqual(body, utf8.encode(message.body));
        assert.ok(frames.every((size) => size <= frameMax));
        assert.equal(propertyBytes(message), frames[1]! - 8);
      }
    }),
    { numRuns: 200 },
  );
});

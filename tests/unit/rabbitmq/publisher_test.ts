import assert from "node:assert/strict";
import type { Message } from "../../../src/encode.ts";
import { AgentError } from "../../../src/errors.ts";
import { Publisher } from "../../../src/rabbitmq/publisher.ts";
import type { Channel, Connection } from "../../../src/rabbitmq/connection.ts";
import { readMessages } from "./frame_reader.ts";

const MESSAGE: Message = {
  body: "{}",
  contentType: "application/json",
  messageId: "1-A",
  type: "upsert",
  routingKey: "q",
  headers: undefined,
};

/** A connection that keeps what is written, and a channel whose events a test causes. */
function fake() {
  const inFlight: { readonly frames: Uint8Array; readonly done: () => void }[] = [];
  const reported: string[] = [];
  const closing = Promise.withResolvers<never>();
  closing.promise.catch(() => {});
  const opened = { queueDeclare: () => closing.promise } as unknown as Channel;
  const connection: Connection = {
    address: "broker:5672",
    product: { product: "RabbitMQ", version: "3.10.8", confirms: true },
    frameMax: 131_072,
    closed: false,
    channel: () => Promise.resolve(opened),
    write: (frames, done) => void inFlight.push({ frames, done }),
    failure: (cause) => new AgentError("BrokerUnreachable", `lost: ${cause}`),
    abort: () => {},
    shutdown() {
      closing.reject(new Error("Connection closed by client"));
      return Promise.resolve();
    },
  };
  const channel = { id: 1, confirmSelect: () => Promise.resolve() } as Channel;
  const publisher = new Publisher(connection, channel, {
    onUnpublishable: "fail",
    limits: { maxBodyBytes: Infinity },
  }, {
    confirmed: (number, multiple) =>
      void reported.push(`confirmed ${number}${multiple ? " and before" : ""}`),
    failed: (error) =>
      void reported.push(error instanceof Promise ? "failed, later" : `failed ${error.kind}`),
  }, {
    nacked: (count) => void reported.push(`nacked ${count}`),
    returned: () => void reported.push("returned"),
    unpublishable: (action) => void reported.push(action),
    blocked: (blocked) => void reported.push(blocked ? "blocked" : "unblocked"),
  });
  /** Takes what the socket holds as late as the socket may, and gives its memory back. */
  const sent = (look: (frames: Uint8Array) => void = () => {}) =>
    inFlight.splice(0).map(({ frames, done }) => {
      look(frames);
      const copy = new Uint8Array(frames);
      done();
      return copy;
    });
  return { publisher, connection, channel, sent, reported };
}

Deno.test("publish() writes what is published together in one piece", async () => {
  const { publisher, sent } = fake();
  for (let number = 1; number <= 100; number++) publisher.publish(MESSAGE);
  assert.equal(sent().length, 0);
  await Promise.resolve();
  assert.deepEqual(sent().map((batch) => readMessages(batch).length), [100]);
  publisher.publish(MESSAGE);
  await Promise.resolve();
  assert.equal(sent().length, 1);
});

Deno.test("publish() writes a batch of 64 KiB before it takes more, and a larger message alone", async () => {
  const { publisher, sent } = fake();
  const thousand = { ...MESSAGE, body: "a".repeat(1000) };
  for (let number = 1; number <= 100; number++) publisher.publish(thousand);
  publisher.publish({ ...MESSAGE, body: "a".repeat(300_000) });
  publisher.publish(thousand);
  await Promise.resolve();
  const written = sent();
  const batches = written.map((batch) => readMessages(batch));
  assert.equal(batches.flat().length, 102);
  assert.ok(written.slice(0, 2).every(({ length }) => length <= 65_536));
  assert.equal(batches.findIndex((batch) => batch.some(({ body }) => body.length === 300_000)), 2);
});

Deno.test("publish() reuses a batch's memory, but only after it was written", async () => {
  const { publisher, sent } = fake();
  const buffers = new Set<ArrayBufferLike>();
  for (let round = 1; round <= 3; round++) {
    for (const part of ["a", "b", "c"]) {
      publisher.publish({ ...MESSAGE, messageId: `${round}${part}` });
      await Promise.resolve();
    }
    const written = sent((frames) => buffers.add(frames.buffer));
    const ids = written.flatMap((batch) => readMessages(batch)).map(({ properties }) => properties.messageId);
    assert.deepEqual(ids, [`${round}a`, `${round}b`, `${round}c`]);
  }
  assert.equal(buffers.size, 3);
});

Deno.test("confirms are passed on by number, a tag of 0 as everything", () => {
  const { publisher, channel, reported } = fake();
  for (let number = 1; number <= 9; number++) publisher.publish(MESSAGE);
  channel.publishConfirmed(2, false, false);
  channel.publishConfirmed(5, true, false);
  channel.publishConfirmed(0, true, false);
  assert.deepEqual(reported, ["confirmed 2", "confirmed 5 and before", "confirmed 9 and before"]);
});

Deno.test("a nack fails the session: what is confirmed after it counts no more", () => {
  const { publisher, channel, reported } = fake();
  for (let number = 1; number <= 9; number++) publisher.publish(MESSAGE);
  channel.publishConfirmed(4, true, false);
  channel.publishConfirmed(7, true, true);
  channel.publishConfirmed(9, true, false);
  assert.deepEqual(reported, ["confirmed 4 and before", "nacked 3", "failed BrokerNacked"]);
});

Deno.test("a returned message fails the session before the broker confirms it, and nothing more is sent", async () => {
  const { publisher, channel, reported, sent } = fake();
  publisher.publish(MESSAGE);
  await Promise.resolve();
  channel.onReturn({ exchange: "", routingKey: "q" });
  channel.publishConfirmed(1, false, false);
  publisher.publish(MESSAGE);
  await Promise.resolve();
  assert.deepEqual(reported, ["returned", "failed, later"]);
  assert.equal(sent().length, 1);
  await publisher.close();
});

Deno.test("a message that does not fit into AMQP fails the session instead of being sent", async () => {
  const { publisher, reported, sent } = fake();
  publisher.publish({ ...MESSAGE, routingKey: "k".repeat(256) });
  await Promise.resolve();
  assert.deepEqual(reported, ["failed MessageTooLarge"]);
  assert.equal(sent().length, 0);
});

Deno.test("a channel closed by the broker and a lost connection fail the session once", () => {
  const { channel, connection, reported } = fake();
  channel.onerror("channel 1 closed: ACCESS_REFUSED - access to exchange 'x' refused (403)");
  connection.ondisconnect?.(new Error("Socket closed"));
  assert.deepEqual(reported, ["failed BrokerDenied"]);
});

Deno.test("blocked is pending until the broker takes messages again", async () => {
  const { publisher, connection, reported } = fake();
  connection.onblocked?.("low on memory");
  const waiting = publisher.blocked;
  assert.ok(waiting);
  connection.onunblocked?.();
  await waiting;
  assert.equal(publisher.blocked, undefined);
  assert.deepEqual(reported, ["blocked", "unblocked"]);
});

Deno.test("deadLetter() waits until the broker takes messages", async () => {
  const { publisher, connection } = fake();
  let opened = 0;
  Object.assign(connection, {
    channel: () => {
      opened++;
      return Promise.reject(new Error("Scripted"));
    },
  });
  connection.onblocked?.("low on memory");
  const letter = { body: new Uint8Array(), contentType: "", messageId: "1-A", type: "", headers: {} };
  const sending = assert.rejects(publisher.deadLetter(letter), /Scripted/);
  await Promise.resolve();
  assert.equal(opened, 0);
  connection.onunblocked?.();
  await sending;
  assert.equal(opened, 1);
});

Deno.test("close() reports nothing afterwards, and settles blocked", async () => {
  const { publisher, channel, connection, reported } = fake();
  publisher.publish(MESSAGE);
  connection.onblocked?.("low on disk");
  const waiting = publisher.blocked;
  await publisher.close();
  await waiting;
  channel.publishConfirmed(1, false, false);
  connection.ondisconnect?.(new Error("Socket closed"));
  assert.deepEqual(reported, ["blocked", "unblocked"]);
});

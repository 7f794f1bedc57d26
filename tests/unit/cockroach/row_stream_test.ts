import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import fc from "fast-check";
import pg from "pg";
import { RowStream } from "../../../src/cockroach/row_stream.ts";

const SQL = "EXPERIMENTAL CHANGEFEED FOR foo WITH resolved = '1s'";

/** What recording extended-binary's client sent: Parse, Bind, Describe, Execute, Sync. */
const RECORDED_CLIENT = [
  "UAAAADwARVhQRVJJTUVOVEFMIENIQU5HRUZFRUQgRk9SIGZvbyBXSVRIIHJlc29sdmVkID0gJzFzJwAAAA==",
  "QgAAAA4AAAAAAAAAAQAB",
  "RAAAAAZQAA==",
  "RQAAAAkAAAAAAA==",
  "UwAAAAQ=",
].map((raw) => Buffer.from(raw, "base64"));

/** The socket, as far as a stream of rows cares. */
class FakeSocket extends Readable {
  readonly writable = true;
  readonly written: Uint8Array[] = [];
  write(bytes: Uint8Array): boolean {
    this.written.push(Uint8Array.from(bytes));
    return true;
  }
  override _read(): void {}
  override pause(): never {
    throw new Error("a socket's own pause() may damage a read that is under way");
  }
  override resume(): never {
    throw new Error("a socket's own resume() starts a read, whether or not one is under way");
  }
  cork(): void {}
  uncork(): void {}
  ref(): void {}
}

function started(): { stream: RowStream; socket: FakeSocket } {
  const socket = new FakeSocket();
  const stream = new RowStream(SQL);
  stream.submit(new pg.Connection({ stream: socket } as unknown as pg.ConnectionConfig));
  return { stream, socket };
}

function arrive(stream: RowStream, ...values: string[]): void {
  for (const value of values) {
    stream.handleDataRow({ length: value.length + 20, fields: ["foo", "[1]", value] });
  }
}

/** Whether the promise settles before everything that is ready to run has run. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const { promise: later, resolve } = Promise.withResolvers<"pending">();
  setTimeout(resolve, 0, "pending");
  return await Promise.race([promise.catch(() => {}), later]) === "pending";
}

Deno.test("submit() sends what the recorded client sent: columns in binary, no row limit", () => {
  const { socket } = started();
  assert.deepEqual(Buffer.concat(socket.written), Buffer.concat(RECORDED_CLIENT));
});

Deno.test("next() gives all rows that arrived since, in order, and counts them", async () => {
  const { stream } = started();
  arrive(stream, "a", "b");
  stream.handleDataRow({ length: 50, fields: [null, null, '{"resolved":"1.0000000000"}'] });
  assert.equal(stream.behind, true);
  assert.deepEqual(await stream.next(), [
    { table: "foo", key: "[1]", value: "a" },
    { table: "foo", key: "[1]", value: "b" },
    { table: null, key: null, value: '{"resolved":"1.0000000000"}' },
  ]);
  assert.equal(stream.behind, false);
  arrive(stream, "c");
  assert.deepEqual((await stream.next())?.map((row) => row.value), ["c"]);
  assert.equal(stream.received, 4);
});

Deno.test("next() waits for the next row", async () => {
  const { stream } = started();
  const waiting = stream.next();
  assert.equal(await isPending(waiting), true);
  assert.equal(stream.behind, false);
  arrive(stream, "late");
  assert.deepEqual((await waiting)?.map((row) => row.value), ["late"]);
});

Deno.test("next() throws the failure, but only after the rows before it", async () => {
  const { stream } = started();
  const failure = new Error("server is shutting down");
  arrive(stream, "last");
  stream.handleError(failure);
  assert.deepEqual((await stream.next())?.map((row) => row.value), ["last"]);
  await assert.rejects(stream.next(), failure);
  await assert.rejects(stream.next(), failure);
});

Deno.test("next() that waits is woken by a failure, and the first failure counts", async () => {
  const { stream } = started();
  const waiting = stream.next();
  const first = new Error("query execution canceled");
  stream.handleError(first);
  stream.handleError(new Error("Connection terminated unexpectedly"));
  stream.handleReadyForQuery();
  await assert.rejects(waiting, first);
});

for (
  const end of [
    "handleCommandComplete",
    "handleEmptyQuery",
    "handlePortalSuspended",
    "handleReadyForQuery",
    "end",
  ] as const
) {
  Deno.test(`next() gives undefined after ${end}(): the statement is over`, async () => {
    const { stream } = started();
    const waiting = stream.next();
    stream[end]();
    assert.equal(await waiting, undefined);
    assert.equal(await stream.next(), undefined);
  });
}

Deno.test("end() from this side throws its cause to the consumer", async () => {
  const { stream } = started();
  const silent = new Error("no row and no resolved timestamp for 30 s");
  stream.end(silent);
  await assert.rejects(stream.next(), silent);
});

Deno.test("the socket is paused at 256 rows and resumed when they are taken (G7)", async () => {
  const { stream, socket } = started();
  arrive(stream, ...Array.from({ length: 255 }, () => "x"));
  assert.equal(socket.isPaused(), false);
  arrive(stream, "x", "x", "x");
  assert.equal(socket.isPaused(), true);
  assert.equal(stream.behind, true);
  assert.equal((await stream.next())?.length, 258);
  assert.equal(socket.isPaused(), false);
  assert.equal(stream.behind, false);
});

Deno.test("the socket is paused at 64 KiB, however few rows they are (G7)", async () => {
  const { stream, socket } = started();
  const half = "x".repeat(32 * 1024);
  arrive(stream, half);
  assert.equal(socket.isPaused(), false);
  arrive(stream, half);
  assert.equal(socket.isPaused(), true);
  await stream.next();
  arrive(stream, half);
  assert.equal(socket.isPaused(), false);
});

Deno.test("no row is lost or doubled, and the socket is paused only while rows wait, in any order of events", async () => {
  const anyStep = fc.oneof(
    fc.record({ rows: fc.integer({ min: 1, max: 1500 }), size: fc.integer({ min: 1, max: 2000 }) }),
    fc.constant("take" as const),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 12 }), async (steps) => {
      const { stream, socket } = started();
      let sent = 0;
      const taken: number[] = [];
      for (const step of steps) {
        if (step === "take") {
          if (sent === taken.length) continue;
          for (const { value } of await stream.next() ?? []) taken.push(Number(value));
          assert.equal(socket.isPaused(), false);
        } else {
          for (let i = 0; i < step.rows; i++) {
            stream.handleDataRow({ length: step.size, fields: ["foo", "[1]", String(sent++)] });
          }
        }
        const waiting = sent - taken.length;
        if (waiting >= 256) assert.equal(socket.isPaused(), true);
        assert.equal(stream.behind, waiting > 0);
      }
      stream.handleCommandComplete();
      for (let rows = await stream.next(); rows !== undefined; rows = await stream.next()) {
        for (const { value } of rows) taken.push(Number(value));
      }
      assert.deepEqual(taken, Array.from({ length: sent }, (_, i) => i));
    }),
    { numRuns: 50 },
  );
});

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { connect } from "../../../src/cockroach/connection.ts";
import { classifySourceError } from "../../../src/cockroach/errors.ts";
import { RowStream } from "../../../src/cockroach/row_stream.ts";
import { parseDatabaseUrl } from "../../../src/settings/database_url.ts";
import { ScriptedServer } from "../../support/scripted_server.ts";

/** Every type that a server may send. */
const TYPES = [..."123ACDEGHIKNRSTVWZcdnstv"];

/** A message of a known type with any content. */
const anyMessage = fc.tuple(fc.constantFrom(...TYPES), fc.uint8Array({ maxLength: 30 })).map(
  ([type, bytes]) => {
    // pg's parser never comes to the end of an error or a notice without its end mark.
    const end = type === "E" || type === "N" ? [0, 0] : [];
    const message = Buffer.from([type.charCodeAt(0), 0, 0, 0, 0, ...bytes, ...end]);
    message.writeInt32BE(message.length - 1, 1);
    return message;
  },
);

/** What a changefeed ends with that gets this answer, and then the end of the connection. */
async function endOf(answer: Buffer): Promise<unknown> {
  await using server = new ScriptedServer({
    answer: (_, socket) => {
      socket.end(answer);
      return Buffer.alloc(0);
    },
  });
  const url = parseDatabaseUrl(`postgresql://a@127.0.0.1:${await server.start()}/d?sslmode=disable`);
  assert.ok(typeof url !== "string");
  const connection = await connect(url, "a");
  const stream = new RowStream("CREATE CHANGEFEED FOR foo");
  connection.stream(stream);
  try {
    while (await stream.next() !== undefined);
    return undefined;
  } catch (cause) {
    return cause;
  } finally {
    connection.close();
  }
}

Deno.test("a row whose columns are longer than its message ends the connection, which is made anew", async () => {
  const row = Buffer.from("D\0\0\0\x0c\0\x03\0\0\0\x63ab", "latin1");
  const error = classifySourceError(await endOf(row), "Cannot read");
  assert.equal(error.kind, "SourceUnreachable");
  assert.match(error.message, /Cannot read: it sent a malformed message/);
});

Deno.test("any messages at all end a changefeed with an error that has a kind, and nothing goes past it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyMessage, { minLength: 1, maxLength: 4 }), async (messages) => {
      const cause = await endOf(Buffer.concat(messages));
      if (cause !== undefined) assert.ok(classifySourceError(cause, "Cannot read").kind);
    }),
    { numRuns: 200 },
  );
});

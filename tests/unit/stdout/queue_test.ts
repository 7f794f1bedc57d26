import assert from "node:assert/strict";
import { Writable } from "node:stream";
import type { Message } from "../../../src/encode.ts";
import type { AgentError } from "../../../src/errors.ts";
import { StdoutQueue } from "../../../src/stdout/queue.ts";

/** A stream whose writes a test completes. */
function heldStream(highWaterMark = 1024) {
  const chunks: string[] = [];
  const callbacks: ((error?: Error) => void)[] = [];
  const stream = new Writable({
    highWaterMark,
    write(chunk, _, callback) {
      chunks.push(String(chunk));
      callbacks.push(callback);
    },
  });
  /** Completes the oldest write. */
  const complete = (error?: Error) => callbacks.shift()?.(error);
  return { stream, chunks, complete };
}

function recorder() {
  const reported: string[] = [];
  const failure = Promise.withResolvers<AgentError>();
  const outcomes = {
    confirmed: (number: number, multiple: boolean) =>
      void reported.push(`${number}${multiple ? " and before" : ""}`),
    failed: (error: AgentError | Promise<AgentError>) => {
      reported.push("failed");
      failure.resolve(error);
    },
  };
  return { reported, outcomes, failure: failure.promise };
}

function message(body: string): Message {
  return {
    body,
    contentType: "application/json",
    messageId: undefined,
    type: "upsert",
    routingKey: "",
    headers: undefined,
  };
}

/** Streams report in later ticks. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Resolves when a stream has been given so many pieces. */
async function pieces(chunks: readonly string[], count: number): Promise<void> {
  while (chunks.length < count) await nextTurn();
}

Deno.test("publish() prints every body as a line, and confirms what was written", async () => {
  const { stream, chunks, complete } = heldStream();
  const { reported, outcomes } = recorder();
  const session = await new StdoutQueue(stream).connect(outcomes);
  session.publish(message('{"a":1}'));
  await nextTurn();
  assert.deepEqual(chunks, ['{"a":1}\n']);
  assert.deepEqual(reported, []);
  complete();
  await nextTurn();
  assert.deepEqual(reported, ["1 and before"]);
  session.publish(message('{"b":"é"}'));
  await nextTurn();
  complete();
  await nextTurn();
  assert.deepEqual(chunks, ['{"a":1}\n', '{"b":"é"}\n']);
  assert.deepEqual(reported, ["1 and before", "2 and before"]);
  await session.close();
});

Deno.test("the last of several lines is written a moment later: it finds out whether the reader has gone", async () => {
  const { stream, chunks, complete } = heldStream();
  const { reported, outcomes } = recorder();
  const session = await new StdoutQueue(stream).connect(outcomes);
  for (const body of ["1", "2", "3"]) session.publish(message(body));
  await nextTurn();
  assert.deepEqual(chunks, ["1\n2\n"]);
  complete();
  await pieces(chunks, 2);
  complete();
  await nextTurn();
  assert.deepEqual(chunks, ["1\n2\n", "3\n"]);
  assert.deepEqual(reported, ["2 and before", "3 and before"]);
  await session.close();
});

Deno.test("a line that waits goes before those that follow, and with the end", async () => {
  const { stream, chunks, complete } = heldStream();
  const session = await new StdoutQueue(stream).connect(recorder().outcomes);
  for (const body of ["1", "2"]) session.publish(message(body));
  await nextTurn();
  for (const body of ["3", "4"]) session.publish(message(body));
  await nextTurn();
  await session.close();
  for (let n = 0; n < 3; n++) {
    complete();
    await nextTurn();
  }
  assert.deepEqual(chunks.join(""), "1\n2\n3\n4\n");
});

Deno.test("blocked is pending while the stream is over its high-water mark", async () => {
  const { stream, complete } = heldStream(10);
  const { reported, outcomes } = recorder();
  const session = await new StdoutQueue(stream).connect(outcomes);
  session.publish(message("x".repeat(20)));
  await nextTurn();
  const waiting = session.blocked;
  assert.ok(waiting);
  session.publish(message("y"));
  await nextTurn();
  assert.equal(session.blocked, waiting);
  complete();
  await nextTurn();
  complete();
  await waiting;
  assert.equal(session.blocked, undefined);
  assert.deepEqual(reported, ["1 and before", "2 and before"]);
  await session.close();
});

Deno.test("publish() writes large batches before all of them are published", async () => {
  const { stream, chunks } = heldStream();
  const session = await new StdoutQueue(stream).connect(recorder().outcomes);
  session.publish(message("x".repeat(70_000)));
  assert.equal(chunks.length, 1);
  assert.ok(session.blocked);
  await session.close();
});

Deno.test("a write that fails ends the session with StdoutClosed, once", async () => {
  const { stream, complete } = heldStream();
  const { reported, outcomes, failure } = recorder();
  const queue = new StdoutQueue(stream);
  const session = await queue.connect(outcomes);
  session.publish(message("1"));
  await nextTurn();
  session.publish(message("2"));
  await nextTurn();
  complete(new Error("no space left on device"));
  const error = await failure;
  assert.equal(error.kind, "StdoutClosed");
  assert.equal(error.action, "stop");
  assert.match(error.message, /^Cannot write to stdout: no space left on device$/);
  session.publish(message("3"));
  await nextTurn();
  assert.deepEqual(reported, ["failed"]);
  await assert.rejects(queue.connect(outcomes), { kind: "StdoutClosed" });
});

Deno.test("every session counts its messages from 1, and reports nothing after close()", async () => {
  const { stream, complete } = heldStream();
  const first = recorder(), second = recorder();
  const queue = new StdoutQueue(stream);
  const closed = await queue.connect(first.outcomes);
  closed.publish(message("1"));
  await closed.close();
  const session = await queue.connect(second.outcomes);
  session.publish(message("1"));
  await nextTurn();
  complete();
  await nextTurn();
  complete();
  await nextTurn();
  assert.deepEqual(first.reported, []);
  assert.deepEqual(second.reported, ["1 and before"]);
  await session.close();
});

Deno.test("a reader that is gone ends the session, and nobody has to do anything about it", async () => {
  const { stream, complete } = heldStream();
  const { outcomes, failure } = recorder();
  const queue = new StdoutQueue(stream);
  const session = await queue.connect(outcomes);
  session.publish(message("1"));
  await nextTurn();
  complete(Object.assign(new Error("Broken pipe (os error 32)"), { code: "EPIPE" }));
  const error = await failure;
  assert.deepEqual([error.kind, error.action, error.message], [
    "ReaderGone",
    "end",
    "The reader of stdout is gone",
  ]);
  await assert.rejects(queue.connect(outcomes), { kind: "ReaderGone" });
  await session.close();
});

Deno.test("lock() is always granted: there is nobody to share stdout with", async () => {
  const session = await new StdoutQueue(heldStream().stream).connect(recorder().outcomes);
  assert.equal(await session.lock("feed"), true);
  await session.close();
});

Deno.test("a reader of the pipe that goes away ends the session with ReaderGone", async () => {
  const program = `
    import process from "node:process";
    import { StdoutQueue } from ${
    JSON.stringify(new URL("../../../src/stdout/queue.ts", import.meta.url).href)
  };
    const session = await new StdoutQueue(process.stdout).connect({
      confirmed: () => publish(),
      failed: (error) => process.stderr.write(error.kind + "\\n", () => process.exit(0)),
    });
    const body = "x".repeat(10_000);
    const publish = () => session.publish({ body });
    publish();`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--ext=ts", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stdin = child.stdin.getWriter();
  await stdin.write(new TextEncoder().encode(program));
  await stdin.close();
  const reader = child.stdout.getReader();
  const first = await reader.read();
  assert.equal(first.value?.[0], "x".charCodeAt(0));
  await reader.cancel();
  const [status, stderr] = await Promise.all([child.status, new Response(child.stderr).text()]);
  assert.equal(stderr.trim(), "ReaderGone");
  assert.equal(status.code, 0);
});

import assert from "node:assert/strict";
import type { Change, FeedEvent } from "../../src/change.ts";
import { Checkpoints } from "../../src/checkpoint.ts";
import { ConfirmWindow } from "../../src/confirm_window.ts";
import type { Message } from "../../src/encode.ts";
import { type Hlc, instantOf } from "../../src/hlc.ts";
import { type InFlight, relay } from "../../src/relay.ts";
import { ReplayGuard } from "../../src/replay_guard.ts";
import { rowHash } from "../../src/row_hash.ts";
import { change, hlcOf } from "../support/arbitrary.ts";

/** What happened, in order: `publish [1]@5`, `mark 7`, `dropped [1]@5`. */
type Diary = string[];

interface Rig {
  readonly diary: Diary;
  readonly window: ConfirmWindow<InFlight>;
  readonly guard: ReplayGuard;
  readonly stop: AbortController;
  /** What the broker says: blocked, and going on again. */
  block(): void;
  unblock(): void;
  /** Time that passes. */
  time: number;
  /** Resolves when `entry` is written into the diary. */
  written(entry: string): Promise<void>;
  run(feed: AsyncIterable<readonly FeedEvent[]>): Promise<void>;
}

interface RigOptions {
  readonly maxMessages?: number;
  readonly encode?: (change: Change) => Message;
  /** Deals with what the broker refuses. */
  readonly unpublishable?: () => Promise<void>;
}

function rig(options: RigOptions = {}): Rig {
  const diary: Diary = [];
  const awaited = new Map<string, () => void>();
  const write = (entry: string) => {
    diary.push(entry);
    awaited.get(entry)?.();
  };
  const window = new ConfirmWindow<InFlight>({
    maxMessages: options.maxMessages ?? 100,
    maxBytes: 1e6,
    now: () => 0,
    onSettled: (settled) => checkpoints.advance(settled),
  });
  const checkpoints = new Checkpoints(window, (resolved) => write(`stored ${wall(resolved)}`));
  const guard = new ReplayGuard();
  const stop = new AbortController();
  let blocked: PromiseWithResolvers<void> | undefined;
  const queue = {
    get blocked(): Promise<void> | undefined {
      if (blocked !== undefined) write("asked while blocked");
      return blocked?.promise;
    },
    publish: ({ body }: Message) => {
      write(`publish ${body}`);
      return body.length;
    },
    refuses: (message: Message) => message.body.length > 1000 ? "too large" : undefined,
  };
  const parts: Rig = {
    diary,
    window,
    guard,
    stop,
    time: 0,
    block: () => blocked = Promise.withResolvers(),
    unblock: () => {
      blocked?.resolve();
      blocked = undefined;
    },
    written: (entry) =>
      new Promise((resolve) => diary.includes(entry) ? resolve() : awaited.set(entry, resolve)),
    run: (feed) =>
      relay(feed, {
        guard,
        window,
        checkpoints: {
          mark: (resolved) => {
            write(`mark ${wall(resolved)}`);
            checkpoints.mark(resolved);
          },
        },
        queue,
        encode: options.encode ?? encode,
        unpublishable: (change, _message, reason) => {
          write(`unpublishable ${name(change)}: ${reason}`);
          return options.unpublishable?.() ?? Promise.resolve();
        },
        now: () => parts.time,
        observe: {
          received: (change) => write(`received ${name(change)}`),
          dropped: (change) => write(`dropped ${name(change)}`),
          resolved: (timestamp) => write(`resolved ${wall(timestamp)}`),
        },
      }, stop.signal),
  };
  return parts;
}

function wall(timestamp: Hlc | undefined): string {
  return timestamp?.split(".")[0] ?? "never";
}

function name({ key, updated }: Change): string {
  return `${key}@${wall(updated)}`;
}

function encode(change: Change): Message {
  return {
    body: name(change),
    contentType: "application/json",
    messageId: undefined,
    type: change.operation,
    routingKey: "q",
    headers: undefined,
  };
}

function row(key: string, wall: number, parts: Partial<Change> = {}): Change {
  return change({ key, updated: hlcOf(wall), ...parts });
}

function resolved(wall: number): FeedEvent {
  return { kind: "resolved", timestamp: hlcOf(wall) };
}

/** A feed that gives these batches, and tells whether it was closed. */
class ScriptedFeed implements AsyncIterable<readonly FeedEvent[]> {
  closed = false;
  readonly #batches: readonly (readonly FeedEvent[])[];
  readonly #failure: unknown;

  constructor(batches: readonly (readonly FeedEvent[])[], failure?: unknown) {
    this.#batches = batches;
    this.#failure = failure;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly FeedEvent[]> {
    try {
      for (const batch of this.#batches) yield await Promise.resolve(batch);
      if (this.#failure !== undefined) throw this.#failure;
    } finally {
      this.closed = true;
    }
  }
}

function only(diary: Diary, ...words: string[]): string[] {
  return diary.filter((entry) => words.some((word) => entry.startsWith(word)));
}

Deno.test("relay() publishes every change once, in the order received (G1, G3)", async () => {
  const { run, diary } = rig();
  const feed = new ScriptedFeed([[row("[1]", 1), row("[2]", 1)], [], [row("[1]", 2)]]);
  await run(feed);
  assert.deepEqual(only(diary, "publish"), ["publish [1]@1", "publish [2]@1", "publish [1]@2"]);
  assert.equal(feed.closed, true);
});

Deno.test("relay() marks a resolved timestamp where it stood among the changes, and does not wait for it (G2)", async () => {
  const { run, diary, window } = rig();
  await run(new ScriptedFeed([[row("[1]", 1), resolved(5), row("[1]", 6), resolved(7)]]));
  assert.deepEqual(only(diary, "publish", "mark", "stored"), [
    "publish [1]@1",
    "mark 5",
    "publish [1]@6",
    "mark 7",
  ]);
  window.confirm(1, false);
  window.confirm(2, false);
  assert.deepEqual(only(diary, "stored"), ["stored 5", "stored 7"]);
});

Deno.test("relay() drops what was sent before, and what a resolved timestamp has closed (G4)", async () => {
  const { run, diary } = rig();
  await run(
    new ScriptedFeed([[
      row("[1]", 3),
      row("[1]", 3),
      row("[1]", 2),
      resolved(5),
      row("[2]", 4),
      row("[2]", 6),
    ]]),
  );
  assert.deepEqual(only(diary, "publish"), ["publish [1]@3", "publish [2]@6"]);
  assert.deepEqual(only(diary, "dropped"), ["dropped [1]@3", "dropped [1]@2", "dropped [2]@4"]);
  assert.equal(only(diary, "received").length, 5);
  assert.deepEqual(only(diary, "resolved"), ["resolved 5"]);
});

Deno.test("relay() puts what is needed to undo and to measure into the window", async () => {
  const { run, window } = rig();
  await run(new ScriptedFeed([[row("[1]", 3), row("[1]", 4), row("[2]", 9, { operation: "read" })]]));
  assert.deepEqual(window.unsettled(), [
    { row: rowHash("t", "[2]"), previous: undefined, committed: undefined, publishedAt: 0 },
    { row: rowHash("t", "[1]"), previous: instantOf(hlcOf(3)), committed: hlcOf(4), publishedAt: 0 },
    { row: rowHash("t", "[1]"), previous: undefined, committed: hlcOf(3), publishedAt: 0 },
  ]);
  assert.equal(window.bytes, "[1]@3[1]@4[2]@9".length);
});

Deno.test("relay() undone passes the same changes again, in order (G1, G3)", async () => {
  const { run, window, guard, diary } = rig();
  const rows = [row("[1]", 3), row("[2]", 3), row("[1]", 4)];
  await run(new ScriptedFeed([rows]));
  window.confirm(1, false);
  for (const { row, previous } of window.unsettled()) guard.restore(row!, previous);
  diary.length = 0;
  await run(new ScriptedFeed([rows]));
  assert.deepEqual(only(diary, "publish"), ["publish [2]@3", "publish [1]@4"]);
});

Deno.test("relay() waits when the window is full, and publishes on when there is room (G7)", async () => {
  const { run, diary, window, written } = rig({ maxMessages: 2 });
  const running = run(new ScriptedFeed([[row("[1]", 1), row("[2]", 1), row("[3]", 1), row("[4]", 1)]]));
  await written("publish [2]@1");
  assert.deepEqual(only(diary, "publish"), ["publish [1]@1", "publish [2]@1"]);
  window.confirm(1, false);
  await written("publish [3]@1");
  window.confirm(2, false);
  await written("publish [4]@1");
  window.confirm(4, true);
  await running;
  assert.equal(only(diary, "publish").length, 4);
});

Deno.test("relay() that starts on a full window waits for room first (G1, G7)", async () => {
  const { run, diary, window, written } = rig({ maxMessages: 1 });
  await run(new ScriptedFeed([[row("[1]", 1)]]));
  const running = run(new ScriptedFeed([[row("[2]", 1)]]));
  await written("received [2]@1");
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(only(diary, "publish"), ["publish [1]@1"]);
  window.confirm(1, false);
  await running;
  assert.deepEqual(only(diary, "publish"), ["publish [1]@1", "publish [2]@1"]);
});

Deno.test("relay() does not publish while the broker is blocked, but goes on reading what needs no broker", async () => {
  const parts = rig();
  const { run, diary, written } = parts;
  parts.block();
  const running = run(new ScriptedFeed([[resolved(5), row("[1]", 4), row("[1]", 6)]]));
  await written("asked while blocked");
  assert.deepEqual(only(diary, "mark", "dropped", "publish"), ["mark 5", "dropped [1]@4"]);
  parts.unblock();
  await running;
  assert.deepEqual(only(diary, "publish"), ["publish [1]@6"]);
});

Deno.test("relay() says when a message was published, not when its batch came", async () => {
  const parts = rig({ maxMessages: 1 });
  const { run, written, window } = parts;
  parts.block();
  const running = run(new ScriptedFeed([[row("[1]", 1), row("[2]", 1)]]));
  await written("asked while blocked");
  parts.time = 60_000;
  parts.unblock();
  await written("publish [1]@1");
  assert.equal(window.oldest?.publishedAt, 60_000);
  parts.time = 90_000;
  window.confirm(1, false);
  await written("publish [2]@1");
  assert.equal(window.oldest?.publishedAt, 90_000);
  window.confirm(2, false);
  await running;
});

Deno.test("relay() stops when the signal aborts while the broker is blocked: the change stays unremembered", async () => {
  const parts = rig();
  const { run, diary, written, stop, guard } = parts;
  parts.block();
  const feed = new ScriptedFeed([[row("[1]", 1)], [row("[2]", 1)]]);
  const running = run(feed);
  await written("asked while blocked");
  stop.abort();
  await running;
  assert.deepEqual(only(diary, "publish"), []);
  assert.equal(guard.seen(row("[1]", 1)), false);
  assert.equal(feed.closed, true);
});

Deno.test("relay() stops at the next change when the signal has aborted, and closes the feed", async () => {
  const { run, diary, stop } = rig();
  stop.abort();
  const feed = new ScriptedFeed([[row("[1]", 1)], [row("[2]", 1)]]);
  await run(feed);
  assert.deepEqual(only(diary, "publish"), []);
  assert.equal(feed.closed, true);
});

Deno.test("relay() released from a full window publishes nothing more", async () => {
  const { run, diary, window, stop, written } = rig({ maxMessages: 1 });
  const running = run(new ScriptedFeed([[row("[1]", 1), row("[2]", 1)]]));
  await written("publish [1]@1");
  stop.abort();
  window.release();
  await running;
  assert.deepEqual(only(diary, "publish"), ["publish [1]@1"]);
});

Deno.test("relay() rejects with the window's failure, and closes the feed", async () => {
  const { run, diary, window, written } = rig({ maxMessages: 1 });
  const feed = new ScriptedFeed([[row("[1]", 1), row("[2]", 1)]]);
  const running = run(feed);
  await written("publish [1]@1");
  const nacked = new Error("nacked");
  window.fail(nacked);
  await assert.rejects(running, nacked);
  assert.deepEqual(only(diary, "publish"), ["publish [1]@1"]);
  assert.equal(feed.closed, true);
});

Deno.test("relay() rejects with the feed's failure, after what came before it", async () => {
  const { run, diary } = rig();
  const failure = new Error("server is shutting down");
  await assert.rejects(run(new ScriptedFeed([[row("[1]", 1)]], failure)), failure);
  assert.deepEqual(only(diary, "publish"), ["publish [1]@1"]);
});

Deno.test("relay() leaves a change that cannot be encoded unremembered and unpublished (G1)", async () => {
  const failure = new Error("too large");
  const { run, guard, window, diary } = rig({
    encode: () => {
      throw failure;
    },
  });
  await assert.rejects(run(new ScriptedFeed([[row("[1]", 1)]])), failure);
  assert.equal(guard.seen(row("[1]", 1)), false);
  assert.equal(window.published, 0);
  assert.deepEqual(only(diary, "publish"), []);
});

Deno.test("relay() passes over a message that the broker refuses, and goes on when that is dealt with", async () => {
  const { run, diary, window } = rig();
  await run(
    new ScriptedFeed([[row("[1]", 1), row(`["${"x".repeat(1000)}"]`, 2), row("[3]", 3), resolved(4)]]),
  );
  assert.deepEqual(only(diary, "publish", "mark"), ["publish [1]@1", "publish [3]@3", "mark 4"]);
  assert.equal(only(diary, "unpublishable").length, 1);
  assert.ok(diary.findIndex((entry) => entry.startsWith("unpublishable")) < diary.indexOf("publish [3]@3"));
  assert.equal(window.published, 2);
});

Deno.test("relay() does not deal twice with a message that the broker refuses", async () => {
  const { run, diary } = rig();
  const refused = row("x".repeat(1000), 2);
  await run(new ScriptedFeed([[refused, refused]]));
  assert.equal(only(diary, "unpublishable").length, 1);
});

Deno.test("relay() waits for nothing when the signal aborts, and marks nothing behind what is not dealt with (G1)", async () => {
  const { run, diary, stop, guard, written } = rig({ unpublishable: () => new Promise(() => {}) });
  const refused = row("x".repeat(1000), 2);
  const running = run(new ScriptedFeed([[refused, resolved(4)], [row("[3]", 5), resolved(6)]]));
  await written(`unpublishable ${name(refused)}: too large`);
  stop.abort();
  await running;
  assert.equal(guard.seen(refused), false);
  assert.deepEqual(only(diary, "mark", "publish"), []);
});

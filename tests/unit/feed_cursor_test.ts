import assert from "node:assert/strict";
import { Backoff } from "../../src/backoff.ts";
import type { Position } from "../../src/change.ts";
import { AgentError, type ErrorKind } from "../../src/errors.ts";
import type { Stored } from "../../src/feed_claim.ts";
import type { CursorStore } from "../../src/cursor_store.ts";
import { FeedCursor, type Start } from "../../src/feed_cursor.ts";
import { FeedLock } from "../../src/feed_lock.ts";
import type { Hlc } from "../../src/hlc.ts";
import { type TableIds, tableIdsText } from "../../src/table_ids.ts";
import { hlcOf } from "../support/arbitrary.ts";
import { settled, VirtualClock } from "../support/virtual_clock.ts";

const START: Position = { cursor: hlcOf(10), scanning: false };

/** What becomes of a request: done, not done, or done without an answer. */
type Fate = "answered" | "refused" | "answer lost" | "denied";

/** A store in memory that answers when it is told to, or at once while `open`. */
class ScriptedStore implements CursorStore {
  readonly token = "this";
  owner: string | undefined = "this";
  position: Position | undefined;
  tables: TableIds | undefined;
  readonly log: string[] = [];
  readonly fates: Fate[] = [];
  gate: Promise<void> = Promise.resolve();

  read(): Promise<Stored> {
    return this.#request("read", () => ({
      position: this.position,
      owner: this.owner,
      tables: this.tables,
    }));
  }

  claim(owner: string | undefined): Promise<void> {
    return this.#request(`claim from ${owner}`, () => {
      if (this.owner === owner) this.owner = this.token;
    });
  }

  create(position: Position): Promise<void> {
    return this.#request(`create ${position.cursor}`, () => {
      this.position ??= position;
    });
  }

  replace(expected: Position, next: Position): Promise<boolean> {
    return this.#request(`${expected.cursor} -> ${next.cursor}`, () => {
      const { position, owner, token } = this;
      if (
        owner !== token || position?.cursor !== expected.cursor || position.scanning !== expected.scanning
      ) return false;
      this.position = next;
      return true;
    });
  }

  keep(tables: TableIds): Promise<void> {
    return this.#request(`keep ${tableIdsText(tables)}`, () => {
      this.tables = tables;
    });
  }

  remove(): Promise<void> {
    return this.#request("remove", () => {
      this.position = undefined;
    });
  }

  async #request<T>(text: string, apply: () => T): Promise<T> {
    this.log.push(text.replaceAll(".0000000000", ""));
    const fate = this.fates.shift() ?? "answered";
    await this.gate;
    if (fate === "refused") throw failure("CursorStoreUnavailable");
    if (fate === "denied") throw failure("SourceDenied");
    const result = apply();
    if (fate === "answer lost") throw failure("SerializationConflict");
    return result;
  }
}

function failure(kind: ErrorKind): AgentError {
  return new AgentError(kind, "Scripted");
}

function at(wall: number): Position {
  return { cursor: hlcOf(wall), scanning: false };
}

function opened(position: Position | undefined = START, lock = true, storeEvery = 0) {
  const store = new ScriptedStore(), clock = new VirtualClock();
  store.position = position;
  const told: string[] = [], stored: Hlc[] = [];
  const cursor = new FeedCursor({
    store,
    storeEvery,
    lock: lock ? new FeedLock("f") : undefined,
    start: () => Promise.resolve({ cursor: hlcOf(5), scanning: true }),
    backoff: new Backoff({ first: 100, cap: 1000, random: () => 1 }),
    clock,
    observe: {
      cursorStored: (stored) => told.push(`stored ${stored.split(".")[0]}`),
      cursorWaits: (error, retryIn) => told.push(`${error.kind} ${retryIn}`),
    },
    onStored: (cursor) => stored.push(cursor),
    onFailure: (error) => told.push(`failed ${error.kind}`),
  });
  return { store, clock, cursor, told, stored };
}

/** Closes the store's gate; the function opens it. */
function hold(store: ScriptedStore): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  store.gate = promise;
  return async () => {
    store.gate = Promise.resolve();
    resolve();
    await settled();
  };
}

Deno.test("position() is what is stored", async () => {
  const { cursor } = opened();
  assert.deepEqual(await cursor.position(), {
    position: START,
    moved: false,
    untried: false,
    tables: undefined,
  });
  assert.deepEqual(cursor.stored, START);
});

Deno.test("position() stores the start of a feed that has none", async () => {
  const { cursor, store } = opened(undefined);
  store.position = undefined;
  const start = { cursor: hlcOf(5), scanning: true };
  assert.deepEqual(await cursor.position(), {
    position: start,
    moved: false,
    untried: true,
    tables: undefined,
  });
  assert.deepEqual(store.position, start);
});

Deno.test("position() goes on from an earlier attempt to store the start whose answer was lost", async () => {
  const { cursor, store } = opened(undefined);
  store.position = undefined;
  const { create } = store;
  store.create = async (position) => {
    store.position = at(3); // comes late, but before ours
    await create.call(store, position);
  };
  assert.deepEqual((await cursor.position()).position, at(3));
});

Deno.test("confirmed() stores the newest timestamp, one store at a time", async () => {
  const { cursor, store, told, stored } = opened();
  await cursor.position();
  const release = hold(store);
  for (const wall of [11, 12, 13]) assert.equal(cursor.confirmed(hlcOf(wall)), true);
  await release();
  await cursor.flushed();
  assert.deepEqual(store.log, ["read", "10 -> 11", "11 -> 13"]);
  assert.deepEqual(told, ["stored 11", "stored 13"]);
  assert.deepEqual(stored, [hlcOf(11), hlcOf(13)]);
});

Deno.test("confirmed() takes nothing that is no news: the cursor never moves back (G2)", async () => {
  const { cursor, store } = opened();
  await cursor.position();
  assert.equal(cursor.confirmed(hlcOf(10)), false);
  assert.equal(cursor.confirmed(hlcOf(9)), false);
  await cursor.flushed();
  assert.deepEqual(store.log, ["read"]);
});

Deno.test("confirmed() ends a scan with the scan's own timestamp", async () => {
  const { cursor, store } = opened({ cursor: hlcOf(10), scanning: true });
  await cursor.position();
  assert.equal(cursor.confirmed(hlcOf(10)), true);
  await cursor.flushed();
  assert.deepEqual(store.position, at(10));
});

Deno.test("a store that was not answered is tried again with the same cursor, and taken for our own", async () => {
  const { cursor, store, clock, told } = opened();
  await cursor.position();
  store.fates.push("answer lost");
  cursor.confirmed(hlcOf(11));
  await settled();
  cursor.confirmed(hlcOf(12));
  await clock.pass(100);
  assert.deepEqual(store.log, ["read", "10 -> 11", "10 -> 11", "read", "11 -> 12"]);
  assert.deepEqual(told, ["SerializationConflict 100", "stored 11", "stored 12"]);
});

Deno.test("position() knows its own store whose answer was lost, and starts from what is confirmed", async () => {
  const { cursor, store } = opened();
  await cursor.position();
  store.fates.push("answer lost");
  cursor.confirmed(hlcOf(11));
  await settled();
  cursor.confirmed(hlcOf(12));
  assert.deepEqual(await cursor.position(), {
    position: at(12),
    moved: false,
    untried: false,
    tables: undefined,
  });
});

Deno.test("nothing is stored while the cursor is read, and goes on afterwards", async () => {
  const { cursor, store } = opened();
  await cursor.position();
  const release = hold(store);
  const start = cursor.position();
  await settled();
  cursor.confirmed(hlcOf(11));
  await settled();
  assert.deepEqual(store.log, ["read", "read"]);
  await release();
  assert.deepEqual(await start, { position: at(11), moved: false, untried: false, tables: undefined });
  await cursor.flushed();
  assert.deepEqual(store.position, at(11));
});

Deno.test("every position() asks anew, after the one before: an old answer may be too old", async () => {
  const { cursor, store } = opened();
  const release = hold(store);
  const first = cursor.position(), second = cursor.position();
  await settled();
  assert.deepEqual(store.log, ["read"]);
  await release();
  await Promise.all([first, second]);
  assert.deepEqual(store.log, ["read", "read"]);
});

Deno.test("a cursor that somebody moved is reported once, and nothing older is stored over it", async () => {
  const { cursor, store, told } = opened();
  await cursor.position();
  store.position = at(7);
  cursor.confirmed(hlcOf(11));
  await settled();
  assert.deepEqual(told, ["failed CursorMoved"]);
  assert.equal(cursor.stored, undefined);
  assert.equal(cursor.confirmed(hlcOf(12)), false);
  await cursor.flushed();
  assert.deepEqual(store.position, at(7));
});

Deno.test("position() says moved until goOn(), also when nobody used the first answer", async () => {
  const { cursor, store } = opened();
  await cursor.position();
  store.position = at(7);
  const moved = { position: at(7), moved: true, untried: false, tables: undefined };
  assert.deepEqual(await cursor.position(), moved);
  assert.deepEqual(await cursor.position(), moved);
  assert.equal(cursor.confirmed(hlcOf(11)), false, "it was read before the move");
  cursor.goOn();
  assert.deepEqual(await cursor.position(), { ...moved, moved: false });
  assert.equal(cursor.confirmed(hlcOf(8)), true);
});

Deno.test("a deleted cursor begins anew, as moved", async () => {
  const { cursor, store } = opened();
  await cursor.position();
  store.position = undefined;
  const start = { cursor: hlcOf(5), scanning: true };
  assert.deepEqual(await cursor.position(), {
    position: start,
    moved: true,
    untried: true,
    tables: undefined,
  });
});

Deno.test("flushed() waits for a store that is away, with delays that grow", async () => {
  const { cursor, store, clock, told } = opened();
  await cursor.position();
  store.fates.push("refused", "refused");
  cursor.confirmed(hlcOf(11));
  let flushed = false;
  const flushing = cursor.flushed().then(() => flushed = true);
  await clock.pass(299);
  assert.equal(flushed, false);
  await clock.pass(1);
  await flushing;
  assert.deepEqual(told, ["CursorStoreUnavailable 100", "CursorStoreUnavailable 200", "stored 11"]);
});

Deno.test("a store that refuses for good ends the session; flushed() throws why; the next session asks again", async () => {
  const { cursor, store, told } = opened();
  await cursor.position();
  store.fates.push("denied");
  cursor.confirmed(hlcOf(11));
  await assert.rejects(cursor.flushed(), { kind: "SourceDenied" });
  assert.deepEqual(told, ["failed SourceDenied"]);
  assert.deepEqual((await cursor.position()).position, at(11));
  await cursor.flushed();
  assert.deepEqual(store.position, at(11));
});

Deno.test("a timestamp confirmed just when the store before it is done is stored too", async () => {
  const { cursor, store } = opened();
  await cursor.position();
  const { replace } = store;
  store.replace = (expected, next) => {
    const done = replace.call(store, expected, next);
    if (next.cursor === hlcOf(11)) {
      done.then(() => null).then(() => null).then(() => null).then(() => cursor.confirmed(hlcOf(12)));
    }
    return done;
  };
  cursor.confirmed(hlcOf(11));
  await settled();
  await cursor.flushed();
  assert.deepEqual(store.position, at(12));
});

Deno.test("position() claims a feed that nobody has, and knows of nothing that moved", async () => {
  const { cursor, store } = opened();
  store.owner = undefined;
  assert.deepEqual(await cursor.position(), {
    position: START,
    moved: false,
    untried: false,
    tables: undefined,
  });
  assert.deepEqual(store.log, ["read", "claim from undefined", "read"]);
  assert.equal(store.owner, "this");
});

/** The position once another process, for whose lock this one stood by, is gone. */
async function takenBack(cursor: FeedCursor, clock: VirtualClock): Promise<Start> {
  cursor.claim.stoodBy();
  const position = cursor.position();
  await clock.pass(1000);
  return await position;
}

Deno.test("position() says moved when another process has claimed the feed, although the cursor is the same (G3)", async () => {
  const { cursor, store, clock } = opened();
  await cursor.position();
  store.fates.push("refused");
  cursor.confirmed(hlcOf(11));
  await settled();
  store.owner = "another";
  assert.deepEqual(await takenBack(cursor, clock), {
    position: START,
    moved: true,
    untried: false,
    tables: undefined,
  });
  await cursor.flushed();
  assert.deepEqual(
    store.position,
    START,
    "what was to be stored moves nothing under the other process's feet",
  );
});

Deno.test("position() says moved also when the answer to its claim was lost", async () => {
  const { cursor, store } = opened();
  await cursor.position();
  store.owner = "another";
  cursor.claim.stoodBy();
  store.fates.push("answered", "answer lost");
  await assert.rejects(cursor.position(), { kind: "SerializationConflict" });
  assert.equal(store.owner, "this");
  assert.deepEqual(await cursor.position(), {
    position: START,
    moved: true,
    untried: false,
    tables: undefined,
  });
});

Deno.test("a cursor that another process's claim keeps from being stored is reported, and never stored", async () => {
  const { cursor, store, told } = opened();
  await cursor.position();
  store.owner = "another";
  cursor.confirmed(hlcOf(11));
  await settled();
  assert.deepEqual(told, ["failed CursorMoved"]);
  assert.deepEqual(store.position, START);
});

Deno.test("a cursor that was stored, without an answer, before another process's claim is not taken for the last word", async () => {
  const { cursor, store, clock, told } = opened();
  await cursor.position();
  store.fates.push("answer lost");
  cursor.confirmed(hlcOf(11));
  await settled();
  store.owner = "another";
  await clock.pass(100);
  assert.deepEqual(told, ["SerializationConflict 100", "failed CursorMoved"]);
  assert.deepEqual(await takenBack(cursor, clock), {
    position: at(11),
    moved: true,
    untried: false,
    tables: undefined,
  });
});

Deno.test("position() tells what is kept of the tables, but not to a feed that begins anew", async () => {
  const tables = new Map([["shop.public.a", "104"]]), { cursor, store } = opened();
  store.tables = tables;
  assert.deepEqual((await cursor.position()).tables, tables);
  const anew = opened();
  anew.store.position = undefined;
  anew.store.tables = tables;
  assert.equal((await anew.cursor.position()).tables, undefined);
});

Deno.test("a cursor is stored as often as told, the newest each time", async () => {
  const { cursor, store, clock, told } = opened(START, true, 60_000);
  await cursor.position();
  for (let wall = 11; wall <= 31; wall++) {
    cursor.confirmed(hlcOf(wall));
    await clock.pass(10_000);
  }
  assert.deepEqual(told, ["stored 11", "stored 16", "stored 22", "stored 28"]);
  assert.deepEqual(cursor.newest, at(31));
  assert.deepEqual(store.position, at(28));
});

Deno.test("the end of a scan is stored at once, however seldom cursors are", async () => {
  const { cursor, store, clock } = opened({ cursor: hlcOf(10), scanning: true }, true, 3_600_000);
  await cursor.position();
  await cursor.jump({ cursor: hlcOf(20), scanning: true });
  await clock.pass(1_000);
  cursor.confirmed(hlcOf(20));
  await settled();
  assert.deepEqual(store.position, at(20));
});

Deno.test("flushed() does not wait until it is time to store", async () => {
  const { cursor, store, clock } = opened(START, true, 3_600_000);
  await cursor.position();
  for (const wall of [11, 12]) {
    cursor.confirmed(hlcOf(wall));
    await clock.pass(1_000);
  }
  assert.deepEqual(store.position, at(11));
  await cursor.flushed();
  assert.deepEqual(store.position, at(12));
  cursor.confirmed(hlcOf(13));
  await clock.pass(3_599_999);
  assert.deepEqual(store.position, at(12));
  await clock.pass(1);
  assert.deepEqual(store.position, at(13));
});

Deno.test("position() and jump() do not wait until it is time to store", async () => {
  const { cursor, store, clock } = opened(START, true, 3_600_000);
  await cursor.position();
  for (const wall of [11, 12]) {
    cursor.confirmed(hlcOf(wall));
    await clock.pass(1_000);
  }
  assert.deepEqual((await cursor.position()).position, at(12));
  assert.equal(await cursor.jump(at(50)), true);
  await clock.pass(3_600_000);
  assert.deepEqual(store.position, at(50));
});

Deno.test("what is confirmed while the cursor jumps is stored when the jump fails", async () => {
  const { cursor, store, clock } = opened();
  await cursor.position();
  const release = hold(store);
  cursor.confirmed(hlcOf(11));
  store.fates.push("refused"); // the jump, which comes after the store that is under way
  const jumping = assert.rejects(cursor.jump(at(99)), { kind: "CursorStoreUnavailable" });
  await settled();
  cursor.confirmed(hlcOf(12));
  await release();
  await jumping;
  const flushing = cursor.flushed();
  await clock.pass(1_000);
  await flushing;
  assert.deepEqual(store.position, at(12));
});

import assert from "node:assert/strict";
import { FeedClaim } from "../../src/feed_claim.ts";
import { FeedLock } from "../../src/feed_lock.ts";
import { hlcOf } from "../support/arbitrary.ts";
import { MemoryCursorStore } from "../support/manual_feed.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

const position = { cursor: hlcOf(10), scanning: false };

const STORE_EVERY = 1000;
/** How long a new owner is silent. */
const PAUSE = 300;
/** How long another owner's cursor may stand still. */
const SILENCE = 12_000;

/** A claim on a feed, and how often the feed was found not to be this process's; the pause of a takeover just passes. */
function claimOf(owner: string | undefined, hasLock: boolean) {
  const store = new MemoryCursorStore(position), clock = new VirtualClock(), found = { foreign: 0 };
  store.owner = owner;
  const lock = hasLock ? new FeedLock("f") : undefined;
  const claim = new FeedClaim({ store, lock, storeEvery: STORE_EVERY, clock });
  const read = async () => {
    const reading = claim.read(() => found.foreign++);
    reading.catch(() => {}); // seen by who awaits it
    await clock.pass(PAUSE);
    return await reading;
  };
  return { store, claim, clock, found, read };
}

for (const lock of [true, false]) {
  for (const owner of [undefined, "another"]) {
    Deno.test(`FeedClaim takes a feed of ${owner ?? "nobody"} at first, with a lock: ${lock}`, async () => {
      const { store, found, read } = claimOf(owner, lock);
      assert.deepEqual((await read()).position, position);
      assert.equal(store.owner, store.token);
      assert.equal(found.foreign, 1);
      await read();
      assert.equal(found.foreign, 1);
    });
  }
}

Deno.test("FeedClaim takes the feed back once it had to stand by for the lock", async () => {
  const { store, claim, found, read } = claimOf("this", true);
  await read();
  store.owner = "another";
  claim.stoodBy();
  await read();
  assert.equal(store.owner, store.token);
  assert.equal(found.foreign, 1);
});

Deno.test("FeedClaim leaves the feed to another owner that stores, though the lock was granted all the time", async () => {
  const { store, clock, read } = claimOf(undefined, true);
  await read();
  store.owner = "another";
  for (let wall = 11; wall < 20; wall++) {
    await assert.rejects(read(), { kind: "StandingBy", message: /gave it the same lock/ });
    assert.equal(store.owner, "another");
    store.position = { cursor: hlcOf(wall), scanning: false };
    await clock.pass(SILENCE - 2 * PAUSE);
  }
  await assert.rejects(read(), { kind: "StandingBy" });
  await clock.pass(SILENCE);
  await read();
  assert.equal(store.owner, store.token);
});

Deno.test("FeedClaim gives the owner before it time to notice before anything is published", async () => {
  const { store, claim, clock } = claimOf("another", true);
  let isOver = false;
  const reading = claim.read(() => {}).then(() => isOver = true);
  await clock.pass(PAUSE - 1);
  assert.deepEqual([store.owner, isOver], [store.token, false]);
  await clock.pass(1);
  assert.equal(isOver, true);
  await reading;
});

Deno.test("FeedClaim does not pass over a claim that comes while it waits", async () => {
  const { store, claim, clock } = claimOf("another", true);
  const reading = claim.read(() => {});
  const refused = assert.rejects(reading, { kind: "CursorMoved" });
  await clock.pass(PAUSE - 1);
  store.owner = "a third";
  await clock.pass(1);
  await refused;
});

Deno.test("FeedClaim has nobody to wait for when nobody had the feed", async () => {
  const { clock, claim } = claimOf(undefined, true);
  await claim.read(() => {});
  assert.equal(clock.now(), 0);
});

for (const [lock, kind] of [[true, "StandingBy"], [false, "TakenOver"]] as const) {
  Deno.test(`lost() tells that another process has claimed the feed (${kind})`, async () => {
    const { store, claim, read } = claimOf(undefined, lock);
    store.owner = "another";
    assert.equal(await claim.lost(), undefined, "it was never this process's");
    store.owner = undefined;
    await read();
    assert.equal(await claim.lost(), undefined);
    store.owner = undefined; // a hand deleted the row
    assert.equal(await claim.lost(), undefined);
    store.owner = "another";
    assert.equal((await claim.lost())?.kind, kind);
    store.failure = new Error("away");
    assert.equal(await claim.lost(), undefined, "where the store is away, nothing is known");
  });
}

Deno.test("FeedClaim without a lock leaves the feed to whoever claimed it later: both would never store", async () => {
  const { store, found, read } = claimOf("this", false);
  await read();
  store.owner = "another";
  await assert.rejects(read(), { kind: "TakenOver" });
  assert.equal(store.owner, "another");
  assert.equal(found.foreign, 1);
});

Deno.test("FeedClaim without a lock claims again what nobody has: somebody deleted the row", async () => {
  const { store, read } = claimOf("this", false);
  await read();
  store.owner = undefined;
  await read();
  assert.equal(store.owner, store.token);
});

Deno.test("FeedClaim does not overwrite a claim that came between, and says so", async () => {
  const { store, read } = claimOf(undefined, true);
  const { claim } = store;
  store.claim = (owner) => {
    store.owner = "another";
    return claim.call(store, owner);
  };
  await assert.rejects(read(), { kind: "CursorMoved" });
  assert.equal(store.owner, "another");
});

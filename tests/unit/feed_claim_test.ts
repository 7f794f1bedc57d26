import assert from "node:assert/strict";
import { FeedClaim } from "../../src/feed_claim.ts";
import { FeedLock } from "../../src/feed_lock.ts";
import { hlcOf } from "../support/arbitrary.ts";
import { MemoryCursorStore } from "../support/manual_feed.ts";

const position = { cursor: hlcOf(10), scanning: false };

/** A claim on a feed, and how often the feed was found not to be this process's. */
function claimOf(owner: string | undefined, lock: boolean) {
  const store = new MemoryCursorStore(position);
  store.owner = owner;
  const claim = new FeedClaim(store, lock ? new FeedLock("f") : undefined), found = { foreign: 0 };
  return { store, found, read: () => claim.read(() => found.foreign++) };
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

Deno.test("FeedClaim takes the feed back where a lock says whose turn it is", async () => {
  const { store, found, read } = claimOf("this", true);
  await read();
  store.owner = "another";
  await read();
  assert.equal(store.owner, store.token);
  assert.equal(found.foreign, 1);
});

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

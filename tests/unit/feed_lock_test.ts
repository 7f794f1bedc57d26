import assert from "node:assert/strict";
import { AgentError } from "../../src/errors.ts";
import { claimToken, FeedLock, knownId, lockScope, publishersLock } from "../../src/feed_lock.ts";

const ID = "5eed5eed-0000-4000-8000-000000000000";
const refused = new AgentError("InternalsRefused", "Scripted");

for (
  const [id, owner, scope] of [
    [ID, undefined, "5eed5eed"],
    [ID, "a token of a claim without a lock", "5eed5eed"],
    [ID, "5eed5eed/token", "5eed5eed"],
    [ID, "0ther0ne/token", "5eed5eed"], // cursors restored from another cluster
    [ID, "unknown/token", "unknown"], // who does not know the id cannot come to ours
    [undefined, undefined, "unknown"],
    [undefined, "a token of a claim without a lock", "unknown"],
    [undefined, "unknown/token", "unknown"],
    [undefined, "5eed5eed/token", "5eed5eed"],
  ] as const
) {
  Deno.test(`lockScope() of id ${id?.slice(0, 8) ?? "unknown"} and owner "${owner ?? ""}" is ${scope}`, () => {
    assert.equal(lockScope(id, owner), scope);
  });
}

Deno.test("two locks of one feed, with and without the cluster's id, come to one name, whoever claimed first (G6)", () => {
  for (const order of [[ID, undefined], [undefined, ID]]) {
    const [first, second] = order.map((id) => {
      const lock = new FeedLock("f");
      lock.learn(id);
      return lock;
    }) as [FeedLock, FeedLock];
    assert.notEqual(first.name, second.name);
    assert.equal(first.learnOwner(undefined), true);
    const owner = claimToken(first.scope, "1");
    assert.equal(second.learnOwner(owner), false);
    assert.equal(second.name, first.name);
    assert.equal(second.learnOwner(owner), true);
    assert.equal(second.learnOwner(undefined), true); // somebody deleted the claim: the name stays
    assert.equal(second.name, first.name);
  }
});

Deno.test("knownId() is undefined only where the id is kept from the user, and says why", async () => {
  const told: AgentError[] = [];
  const asked = (clusterId: () => Promise<string>) => knownId({ clusterId }, (error) => told.push(error));
  assert.equal(await asked(() => Promise.resolve(ID)), ID);
  assert.equal(await asked(() => Promise.reject(refused)), undefined);
  assert.deepEqual(told, [refused]);
  const away = new AgentError("SourceDenied", "password");
  await assert.rejects(asked(() => Promise.reject(away)), away);
});

Deno.test("publishersLock() goes by what the publisher claimed the feed with", async () => {
  const rows = [{ key: "f/owner", cursor: "unknown/1" }, { key: "g/owner", cursor: "5eed5eed/1" }];
  const knows = { clusterId: () => Promise.resolve(ID) };
  const doesNot = { clusterId: () => Promise.reject(refused) };
  assert.equal(await publishersLock("f", knows, rows), "changefeed.unknown.f");
  assert.equal(await publishersLock("g", doesNot, rows), "changefeed.5eed5eed.g");
  assert.equal(await publishersLock("h", knows, rows), "changefeed.5eed5eed.h");
});

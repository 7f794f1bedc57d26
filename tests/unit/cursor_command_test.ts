import assert from "node:assert/strict";
import { CursorCommand, type FeedLocks } from "../../src/cursor_command.ts";
import { AgentError } from "../../src/errors.ts";
import type { Hlc } from "../../src/hlc.ts";
import type { CursorMove } from "../../src/settings/cursor_config.ts";
import { hlcOf } from "../support/arbitrary.ts";

const at = (seconds: number) => hlcOf(BigInt(seconds) * 1_000_000_000n);
const NOW = at(100);
const feed = { name: "f", tables: [] };

/** A command on these rows, and what it did. */
function commandOn(rows: Readonly<Record<string, string>>, locks: Partial<FeedLocks> | string = {}) {
  const did: string[] = [];
  const command = new CursorCommand({
    cursors: {
      rows: () => Promise.resolve(Object.entries(rows).map(([key, cursor]) => ({ key, cursor }))),
      put: (feed, cursor) => Promise.resolve(void did.push(`put ${feed} ${cursor}`)),
      remove: (feed) => Promise.resolve(void did.push(`remove ${feed}`)),
    },
    cluster: {
      clusterId: () => Promise.resolve("0123456789"),
      now: () => Promise.resolve(NOW),
      gcTtl: (tables) => Promise.resolve(tables.length === 0 ? undefined : 90),
    },
    locks: typeof locks === "string" ? locks : {
      isHeld: (name) => Promise.resolve(name === "changefeed.01234567.f"),
      take: (name) => Promise.resolve(void did.push(`take ${name}`) === undefined),
      ...locks,
    },
  });
  return { command, did };
}

const set = (to: Hlc | "now", force = false): CursorMove => ({
  name: "set",
  feed,
  to,
  force,
});

Deno.test("look() tells age, time to live and who runs", async () => {
  const { command } = commandOn({ f: at(90), "db.s.t/scan": at(5), key: at(1) });
  const { now, views, original, unknown } = await command.look();
  assert.deepEqual([now, original, unknown], [NOW, at(1), undefined]);
  assert.deepEqual(views.map(({ feed, gcTtl, running }) => [feed, gcTtl, running]), [
    ["db.s.t", 90, false],
    ["f", undefined, true],
  ]);
  const [one, ...others] = (await command.look({ name: "g", tables: [] })).views;
  assert.deepEqual([one?.feed, one?.stored, others], ["g", undefined, []]);
});

Deno.test("look() says why nobody knows who runs", async () => {
  const refusing = { isHeld: () => Promise.reject(new AgentError("BrokerDenied", "no entry")) };
  for (const [locks, why] of [["no broker", "no broker"], [refusing, "no entry"]] as const) {
    const { views, unknown } = await commandOn({ f: at(1) }, locks).command.look();
    assert.deepEqual([views[0]?.running, unknown], [undefined, why]);
  }
});

Deno.test("change() holds the feed's lock while it moves the cursor", async () => {
  const { command, did } = commandOn({ f: at(50) });
  const { before, after, forced } = await command.change(set(at(40)));
  assert.deepEqual(did, ["take changefeed.01234567.f", `put f ${at(40)}`]);
  assert.deepEqual([before?.cursor, after, forced], [at(50), at(40), false]);
});

Deno.test("change() moves nothing when a publisher runs or may run; by force it asks nobody", async () => {
  const held = { take: () => Promise.resolve(false) };
  const denied = { take: () => Promise.reject(new AgentError("BrokerDenied", "no entry")) };
  const cases = [[held, /it runs$/], [denied, /may run: no entry$/], ["none", /may run: none$/]] as const;
  for (const [locks, message] of cases) {
    const { command, did } = commandOn({ f: at(50) }, locks);
    for (const name of ["delete", "adopt"] as const) {
      await assert.rejects(command.change({ name, feed, force: false }), { kind: "FeedRunning", message });
    }
    await assert.rejects(command.change(set("now")), { kind: "FeedRunning", message });
    assert.deepEqual(did, []);
    await command.change(set("now", true));
    assert.deepEqual(did, [`put f ${NOW}`]);
  }
});

Deno.test("change() refuses the future, deletes nothing that is not there, and adopts only once", async () => {
  const { command, did } = commandOn({ f: at(50), key: at(9) });
  await assert.rejects(command.change(set(at(101))), { kind: "ConfigInvalid", message: /in the future/ });
  await assert.rejects(command.change({ name: "adopt", feed, force: true }), { message: /one of its own/ });
  const other = { name: "g", tables: [] };
  await assert.rejects(command.change({ name: "delete", feed: other, force: true }), { hint: /cursor list/ });
  assert.deepEqual(did.filter((text) => !text.startsWith("take")), []);
  await command.change({ name: "adopt", feed: other, force: true });
  await command.change({ name: "delete", feed, force: true });
  assert.deepEqual(did.slice(-2), [`put g ${at(9)}`, "remove f"]);
  await assert.rejects(commandOn({}).command.change({ name: "adopt", feed, force: true }), {
    message: /holds none/,
  });
  await assert.rejects(
    commandOn({ key: "x" }).command.change({ name: "adopt", feed, force: true }),
    { message: /"x" is no timestamp/ },
  );
});

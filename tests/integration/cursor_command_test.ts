import assert from "node:assert/strict";
import { AgentRig } from "../support/agent_rig.ts";
import { type CommandEnd, runCommand } from "../support/command.ts";
import type { QueueReader } from "../support/queue_reader.ts";

async function rigWithRow(): Promise<AgentRig> {
  const rig = await AgentRig.start();
  await rig.sql(
    `CREATE TABLE ${rig.name} (a INT PRIMARY KEY, b INT)`,
    `INSERT INTO ${rig.name} VALUES (1, 0)`,
  );
  return rig;
}

/** `cursor ACTION` on the feed of the rig's table, with the agent's own settings. */
function cursor(rig: AgentRig, action: string, env: Record<string, string> = {}): Promise<CommandEnd> {
  return runCommand({
    args: ["cursor", ...action.split(" "), "--table", rig.name],
    env: rig.environment(env),
  });
}

async function done(command: Promise<CommandEnd>): Promise<string> {
  const { code, stdout, stderr } = await command;
  assert.deepEqual([code, stderr], [0, ""], stdout);
  return stdout;
}

async function refused(command: Promise<CommandEnd>, why: RegExp): Promise<void> {
  const { code, stdout, stderr } = await command;
  assert.deepEqual([code, stdout], [1, ""], stderr);
  assert.match(stderr, why);
}

async function show(rig: AgentRig, env: Record<string, string> = {}) {
  return JSON.parse(await done(cursor(rig, "show --json", env)));
}

/** Runs an agent until it has stored a cursor above everything that is committed now, and stops it in order. */
async function publishAll(rig: AgentRig, queue: QueueReader, messages: number): Promise<void> {
  await using agent = await rig.agent();
  await queue.count(messages);
  await agent.said(({ message }) => message === "Cursor stored");
  assert.equal(await agent.stop(), 0);
}

function values(queue: QueueReader): unknown[] {
  return queue.bodies.map((body) => JSON.parse(body).value.after?.b);
}

Deno.test("cursor show and list tell of a feed before, while and after it runs", async () => {
  await using rig = await rigWithRow();
  await using queue = await rig.reader();
  assert.equal(await done(cursor(rig, "list")), "There are no cursors.\n");
  assert.match(
    await done(cursor(rig, "show")),
    new RegExp(`^feed +${rig.feed}\ncursor +none\nstate +stopped\n$`),
  );
  {
    await using agent = await rig.agent();
    await queue.count(1);
    await agent.said(({ message }) => message === "Cursor stored");
    const view = await show(rig);
    assert.deepEqual([view.feed, view.running, view.claimed, view.scanning], [rig.feed, true, true, false]);
    assert.equal((await show(rig, { AMQP_ADDR: "" })).running, null);
    assert.equal(await agent.stop(), 0);
  }
  const view = await show(rig);
  assert.deepEqual([view.running, view.cursor], [false, await rig.cursor()]);
  assert.ok(view.gcTtlSeconds > 0 && view.ageSeconds > 0 && view.ageSeconds < 60, JSON.stringify(view));
  const [head, line, ...rest] = (await done(cursor(rig, "list"))).split("\n");
  assert.match(head ?? "", /^FEED +CURSOR +AGE +KEPT FOR +STATE$/);
  assert.match(line ?? "", new RegExp(`^${rig.feed} +${view.time} +\\S+ s +.+ more +stopped$`));
  assert.deepEqual(rest, [""]);
  assert.deepEqual(
    JSON.parse(await done(cursor(rig, "list --json"))).map(({ feed }: { feed: string }) => feed),
    [
      rig.feed,
    ],
  );
});

Deno.test("cursor set goes back and forth: changes come again, or are left out", async () => {
  await using rig = await rigWithRow();
  await using queue = await rig.reader();
  await publishAll(rig, queue, 1);
  const before = (await show(rig)).time;
  await rig.sql(`UPDATE ${rig.name} SET b = 1`);
  await publishAll(rig, queue, 2);
  assert.match(await done(cursor(rig, `set ${before}`)), /between is sent again\.\n$/);
  await publishAll(rig, queue, 3);
  await rig.sql(`UPDATE ${rig.name} SET b = 2`);
  assert.match(await done(cursor(rig, "set now")), /not sent yet is not sent\.\n$/);
  await rig.sql(`UPDATE ${rig.name} SET b = 3`);
  await publishAll(rig, queue, 4);
  assert.deepEqual(values(queue), [0, 1, 1, 3]);
  const future = `${BigInt(Date.now() + 3_600_000) * 1_000_000n}`;
  await refused(cursor(rig, `set ${future}`), /in the future/);
});

Deno.test("cursor delete lets the feed start anew; set starts a new feed without its whole tables", async () => {
  await using rig = await rigWithRow();
  await using queue = await rig.reader();
  await refused(cursor(rig, "delete"), /it has none\n.*cursor list/);
  await done(cursor(rig, "set now"));
  await rig.sql(`INSERT INTO ${rig.name} VALUES (2, 5)`);
  await publishAll(rig, queue, 1);
  await rig.sql(`DELETE FROM ${rig.name} WHERE a = 1`);
  await publishAll(rig, queue, 2);
  assert.match(
    await done(cursor(rig, "delete")),
    /^Feed ".*" has no cursor any more; it was \d+\.\d{10}\.\n.*anew/,
  );
  await publishAll(rig, queue, 3);
  assert.deepEqual(values(queue), [5, undefined, 5]);
  const { rows } = await rig.database.query("SELECT key FROM cursor_store ORDER BY key");
  assert.deepEqual(rows.map(({ key }) => key), [rig.feed, `${rig.feed}/owner`, `${rig.feed}/tables`]);
});

Deno.test("a cursor is not moved under an agent that runs, or may run; by force it is, and the agent follows", async () => {
  await using rig = await rigWithRow();
  await using queue = await rig.reader();
  await using agent = await rig.agent();
  await queue.count(1);
  await agent.said(({ message }) => message === "Cursor stored");
  const start = await rig.cursor();
  await rig.sql(`UPDATE ${rig.name} SET b = 1`);
  await queue.count(2);
  for (const action of ["set now", "delete", "adopt"]) {
    await refused(cursor(rig, action), /a publisher of it runs\n.*--force/);
    await refused(cursor(rig, action, { AMQP_ADDR: "" }), /may run: AMQP_ADDR is not given/);
    await refused(cursor(rig, action, { AMQP_LOCK: "none" }), /may run: with --lock none/);
  }
  await refused(
    cursor(rig, "set now", { AMQP_ADDR: "amqp://127.0.0.1:1" }),
    /may run: Cannot connect to RabbitMQ/,
  );
  const from = (await agent.log()).length;
  assert.match(await done(cursor(rig, `set ${start} --force`)), /notices .* goes on from there\.\n$/);
  await agent.said(({ kind }) => kind === "CursorMoved", 20_000, from);
  await queue.count(3);
  await rig.sql(`UPDATE ${rig.name} SET b = 2`);
  await queue.count(4);
  const again = (await agent.log()).length;
  assert.match(await done(cursor(rig, "delete --force")), /notices/);
  await agent.said(({ kind }) => kind === "CursorMoved", 20_000, again);
  await queue.count(5);
  assert.equal(await agent.stop(), 0);
  assert.deepEqual(values(queue), [0, 1, 1, 2, 2]);
});

Deno.test("an agent without a lock follows a cursor that is moved by force", async () => {
  await using rig = await rigWithRow();
  await using queue = await rig.reader();
  await using agent = await rig.agent({ args: ["--lock", "none"] });
  await queue.count(1);
  await agent.said(({ message }) => message === "Cursor stored");
  const start = await rig.cursor();
  await rig.sql(`UPDATE ${rig.name} SET b = 1`);
  await queue.count(2);
  await done(cursor(rig, `set ${start} --force`));
  await queue.count(3);
  assert.equal(await agent.stop(), 0);
  assert.deepEqual(values(queue), [0, 1, 1]);
});

Deno.test("cursor adopt goes on from the original program's cursor, which stays", async () => {
  await using rig = await rigWithRow();
  await using queue = await rig.reader();
  await refused(cursor(rig, "adopt"), /none of the original program/);
  const { rows: [now] } = await rig.database.query("SELECT cluster_logical_timestamp()::STRING AS hlc");
  await rig.sql(
    "CREATE TABLE IF NOT EXISTS cursor_store (key STRING NOT NULL PRIMARY KEY, cursor STRING NOT NULL)",
    `INSERT INTO cursor_store VALUES ('key', '${now.hlc}')`,
    `UPDATE ${rig.name} SET b = 1`,
  );
  {
    await using agent = await rig.agent();
    const { failure } = await agent.end();
    assert.equal(failure?.kind, "OriginalCursorFound");
    assert.match(failure.hint ?? "", /crdb-changefeed-publisher cursor adopt/);
  }
  assert.match(await done(cursor(rig, "list")), /^key .* cursor adopt takes it$/m);
  assert.match(await done(cursor(rig, "adopt")), new RegExp(`is ${now.hlc.replace(".", "\\.")} `));
  await refused(cursor(rig, "adopt"), /it has one of its own/);
  await publishAll(rig, queue, 1);
  assert.deepEqual(values(queue), [1]);
  assert.equal(await rig.cursor("key"), now.hlc);
});

Deno.test("cursor set tries again what CockroachDB asks to try again", async () => {
  await using rig = await AgentRig.start({ simulator: true });
  const conflict = await rig.cockroach.simulator.inject({
    kind: "statement",
    application: "crdb-changefeed-publisher",
    match: "INSERT INTO cursor_store",
    code: "40001",
    message: "restart transaction: retry txn",
    times: 2,
  });
  await done(cursor(rig, "set now"));
  assert.equal(await conflict.uses(), 0);
  assert.match(await rig.cursor() ?? "none", /^\d+\.\d{10}$/);
});

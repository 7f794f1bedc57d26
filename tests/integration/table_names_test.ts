import assert from "node:assert/strict";
import { AgentRig } from "../support/agent_rig.ts";
import { isAtLeast, parseVersion } from "../../src/cockroach/version.ts";
import type { QueueReader } from "../support/queue_reader.ts";
import { until } from "../support/ports.ts";
import { stopsWith } from "./refusal.ts";

/** Up to v22.1 a row has its table's name of the time, from v22.2 on the statement's; `undefined`: a real one, if there is. */
const VERSIONS = ["v21.2", "v25.4.0", undefined];

/** A table of this rig's with the row 1, and its name. */
async function tableOf(rig: AgentRig, name: string): Promise<string> {
  await rig.sql(`CREATE TABLE ${name} (a INT PRIMARY KEY)`, `INSERT INTO ${name} VALUES (1)`);
  return name;
}

/** Under what names keys came first. What was sent above the cursor comes again under a name that is given later. */
function published(queue: QueueReader): [table: string, key: string][] {
  const tables = new Map<string, string>();
  for (const { table, key } of queue.bodies.map((body) => JSON.parse(body))) {
    if (!tables.has(key)) tables.set(key, table);
  }
  return [...tables].map(([key, table]) => [table, key]);
}

for (const version of VERSIONS) {
  const where = version ?? "a real CockroachDB";
  Deno.test(`names of tables on ${where}`, async (t) => {
    await using rig = await AgentRig.start(version === undefined ? {} : { version });
    if (version === undefined && rig.cockroach.isSimulator) return; // its versions are the others
    const each = async (what: string, run: (name: string, queue: QueueReader) => Promise<void>) => {
      await t.step(what, async () => {
        await using queue = await rig.reader();
        await run(`${rig.name}_${crypto.randomUUID().slice(0, 4)}`, queue);
      });
    };

    await each(
      "a renamed table is read on under the name that was given, then under its new one",
      async (name, queue) => {
        await tableOf(rig, name);
        const feed = rig.feedOf(name), renamed = `${name}_new`;
        {
          await using agent = await rig.agent({ table: name });
          await agent.said(({ message }) => message === "The initial scan is confirmed");
          await rig.sql(`ALTER TABLE ${name} RENAME TO ${renamed}`, `INSERT INTO ${renamed} VALUES (2)`);
          await queue.count(2);
          await agent.said(({ message, level }) => level === "warn" && message.includes(`${feed}_new`));
          assert.equal(await agent.stop(), 0);
        }
        await rig.sql(`INSERT INTO ${renamed} VALUES (3)`);
        {
          await using agent = await rig.agent({ table: name });
          await queue.count(3);
          assert.equal(await agent.stop(), 0);
        }
        await using agent = await rig.agent({ table: renamed, args: ["--feed", feed] });
        await rig.sql(`INSERT INTO ${renamed} VALUES (4)`);
        await until("the row 4", 30_000, () => Promise.resolve(published(queue).length === 4 || undefined));
        assert.equal(await agent.stop(), 0);
        const tables = [name, name, name, renamed];
        assert.deepEqual(published(queue), tables.map((table, index) => [table, `[${index + 1}]`]));
      },
    );

    await each(
      "a table renamed while nobody reads is gone on with under its new name, from before that",
      async (name, queue) => {
        await tableOf(rig, name);
        const feed = rig.feedOf(name), between = `${name}_tmp`, renamed = `${name}_new`;
        {
          await using agent = await rig.agent({ table: name });
          await agent.said(({ message }) => message === "The initial scan is confirmed");
          assert.equal(await agent.stop(), 0);
        }
        await rig.sql(
          `INSERT INTO ${name} VALUES (2)`,
          `ALTER TABLE ${name} RENAME TO ${between}`,
          `INSERT INTO ${between} VALUES (3)`,
          `ALTER TABLE ${between} RENAME TO ${renamed}`,
          `INSERT INTO ${renamed} VALUES (4)`,
        );
        await using agent = await rig.agent({ table: renamed, args: ["--feed", feed] });
        await queue.count(4);
        assert.equal(await agent.stop(), 0);
        const found = published(queue).toSorted(([, a], [, b]) => a < b ? -1 : 1);
        const tables = [name, renamed, renamed, renamed];
        assert.deepEqual(found, tables.map((table, index) => [table, `[${index + 1}]`]));
      },
    );

    await each(
      "a name that has come to stand for another table stops the agent; the old table is not lost",
      async (name, queue) => {
        await tableOf(rig, name);
        await rig.sql(`CREATE TABLE ${name}_next (a INT PRIMARY KEY)`);
        const feed = rig.feedOf(name), old = `${name}_old`;
        {
          await using agent = await rig.agent({ table: name });
          await agent.said(({ message }) => message === "The initial scan is confirmed");
          assert.equal(await agent.stop(), 0);
        }
        await rig.sql(
          `INSERT INTO ${name} VALUES (2)`,
          `ALTER TABLE ${name} RENAME TO ${old}`,
          `ALTER TABLE ${name}_next RENAME TO ${name}`,
          `INSERT INTO ${old} VALUES (3)`,
          `INSERT INTO ${name} VALUES (100)`,
        );
        await using refused = await rig.agent({ table: name });
        await stopsWith(refused, {
          kind: "TableReplaced",
          value: rig.feedOf(old),
          hint: /--table .*_old.*--feed.*cursor delete/,
        });
        await using agent = await rig.agent({ table: old, args: ["--feed", feed] });
        await queue.count(3);
        assert.equal(await agent.stop(), 0);
        assert.deepEqual(published(queue).map(([, key]) => key).toSorted(), ["[1]", "[2]", "[3]"]);
      },
    );

    await each(
      "two tables of one feed that swap their names while it runs stop it, at the cursor before",
      async (name) => {
        const one = await tableOf(rig, name), two = await tableOf(rig, `${name}_two`);
        const args = ["--table", two, "--feed", name];
        await using agent = await rig.agent({ table: one, args });
        await agent.said(({ message }) => message === "The initial scan is confirmed");
        const swap = [
          `${one} RENAME TO ${one}_tmp`,
          `${two} RENAME TO ${one}`,
          `${one}_tmp RENAME TO ${two}`,
        ];
        await rig.sql(...swap.map((change) => `ALTER TABLE ${change}`));
        const { rows } = await rig.database.query("SELECT cluster_logical_timestamp()::STRING AS swapped");
        await rig.sql(`INSERT INTO ${one} VALUES (2)`);
        await stopsWith(agent, { kind: "TableReplaced", value: rig.feedOf(one), hint: /cursor delete/ });
        const cursor = await rig.cursor(name);
        assert.ok(cursor !== undefined && cursor < rows[0].swapped, `cursor ${cursor}`);
      },
    );

    const { rows: [{ text }] } = await rig.database.query("SELECT version() AS text");
    const old = !isAtLeast(parseVersion(text), 22, 2);
    const option = ["--changefeed-option", "full_table_name"];
    await each(
      "full_table_name gives whole names, and refuses two tables that CockroachDB does not tell apart",
      async (name, queue) => {
        await tableOf(rig, name);
        {
          await using agent = await rig.agent({ table: name, args: option });
          await queue.count(1);
          assert.equal(await agent.stop(), 0);
        }
        assert.deepEqual(published(queue), [[rig.feedOf(name), "[1]"]]);
        await rig.sql(`CREATE DATABASE ${name}`);
        const other = await tableOf(rig, `${name}.public.${name}`);
        await using agent = await rig.agent({
          table: name,
          args: ["--table", other, "--feed", `${name}+`, ...option],
        });
        if (old) {
          await stopsWith(agent, { kind: "ConfigInvalid", value: other, hint: /a feed for each/ });
          return;
        }
        await queue.count(3);
        assert.equal(await agent.stop(), 0);
        const tables = queue.bodies.slice(1).map((body) => JSON.parse(body).table);
        assert.deepEqual(tables.toSorted(), [rig.feedOf(name), other].toSorted());
      },
    );
  });
}

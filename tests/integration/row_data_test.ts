import assert from "node:assert/strict";
import type { AgentProcess } from "../support/agent_process.ts";
import { AgentRig } from "../support/agent_rig.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { shownBy } from "./shown.ts";

/** Stands in every row, and must stand nowhere else but in messages. */
const MARKER = "m4rk3r";
const LIMIT = 100_000;
const env = { LOG_LEVEL: "trace" };

/** A table whose rows hold the marker, in their keys too if asked for. */
async function rigWithMarkedRows(
  key = "k",
  ...options: Parameters<typeof AgentRig.start>
): Promise<AgentRig> {
  const rig = await AgentRig.start(...options);
  await rig.sql(
    `CREATE TABLE ${rig.name} (a STRING PRIMARY KEY, b STRING, c DECIMAL)`,
    `INSERT INTO ${rig.name} VALUES ('${key}1', '${MARKER}', 1.50)`,
  );
  return rig;
}

function holdsNone(text: string): void {
  const at = text.indexOf(MARKER);
  assert.ok(at < 0, `row data is shown: …${text.slice(Math.max(0, at - 300), at + 100)}`);
}

/** It stops for good, and shows no row data. */
async function stopsWith(agent: AgentProcess, kind: string): Promise<void> {
  const { code, failure, output } = await agent.end();
  assert.deepEqual([code, failure?.kind], [1, kind], output);
  holdsNone(output);
}

Deno.test("no row data is shown while rows are published, sent again, and lost on the way", async () => {
  await using rig = await rigWithMarkedRows(MARKER, { simulator: true });
  await using queue = await rig.reader();
  await using proxy = await TcpProxy.start(rig.rabbitmq.url);
  const args = ["--diff", "--headers", "standard", "--format", "cloudevents"];
  await using agent = await rig.agent({ args, env: { ...env, AMQP_ADDR: proxy.through(rig.rabbitmq.url) } });
  await agent.said(({ message }) => message === "The initial scan is confirmed");
  const { simulator } = rig.cockroach;
  await simulator.inject({ kind: "fail", code: "XXUUU", message: "boom", afterRows: 1 });
  await rig.sql(
    `UPDATE ${rig.name} SET b = '${MARKER} again'`,
    `INSERT INTO ${rig.name} VALUES ('${MARKER}2', '${MARKER}', 2)`,
    `DELETE FROM ${rig.name} WHERE a = '${MARKER}1'`,
  );
  await queue.count(4);
  await agent.said(({ message }) => message.includes("boom"));
  proxy.cut();
  await agent.said(({ kind }) => kind === "BrokerUnreachable");
  await rig.sql(`UPDATE ${rig.name} SET c = 3`);
  await queue.count(5);
  assert.ok(queue.bodies.every((body) => body.includes(MARKER)));
  holdsNone(await shownBy(agent));
  assert.equal(await agent.stop(), 0);
  holdsNone(await agent.output());
});

for (const envelope of ["wrapped", "row"]) {
  Deno.test(`no row data is shown when rows are malformed (envelope=${envelope})`, async () => {
    await using rig = await rigWithMarkedRows(MARKER, { simulator: true });
    await rig.sql(`UPDATE ${rig.name} SET b = repeat('${MARKER} ', 20)`);
    const malformed = await rig.cockroach.simulator.inject({ kind: "malform", table: rig.name });
    await using agent = await rig.agent({ args: ["--changefeed-option", `envelope=${envelope}`], env });
    await stopsWith(agent, "EnvelopeMalformed");
    await malformed.lift();
  });
}

Deno.test("no row data is shown when a message is returned, though its key made the routing key", async () => {
  await using rig = await rigWithMarkedRows(MARKER);
  const args = ["--exchange", "amq.topic", "--routing-key", `${rig.name}.{key}`];
  const unrouted = { ...env, AMQP_QUEUE: "" };
  {
    await using agent = await rig.agent({ args, env: unrouted });
    await stopsWith(agent, "Unroutable");
  }
  await using agent = await rig.agent({ args: [...args, "--on-unpublishable", "skip"], env: unrouted });
  await agent.said(({ message }) => message === "Skipped a change");
  holdsNone(await shownBy(agent));
  assert.equal(await agent.stop(), 0);
  holdsNone(await agent.output());
});

Deno.test("no row data but the key is shown when a message is too large", async () => {
  await using rig = await rigWithMarkedRows("k", {}, { own: true, config: `max_message_size = ${LIMIT}\n` });
  await rig.sql(`UPDATE ${rig.name} SET b = repeat('${MARKER}', ${LIMIT / 4})`);
  {
    await using agent = await rig.agent({ env });
    await stopsWith(agent, "MessageTooLarge");
    assert.match(await agent.output(), /key \\"\[\\"k1\\"\]/);
  }
  for (const way of [["skip"], ["dead-letter", "--dead-letter-queue", `${rig.name}-dead`]]) {
    await using agent = await rig.agent({ args: ["--on-unpublishable", ...way], env });
    await agent.reaches("rabbitmq_messages_unpublishable_total", 1);
    holdsNone(await shownBy(agent));
    assert.equal(await agent.stop(), 0);
    holdsNone(await agent.output());
    await rig.sql(`UPDATE ${rig.name} SET c = c + 1`); // so that the next one meets it too
  }
});

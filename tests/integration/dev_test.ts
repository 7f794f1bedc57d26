import assert from "node:assert/strict";
import { AgentRig } from "../support/agent_rig.ts";

const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

Deno.test("deno task dev --once shows 20 messages out of RabbitMQ and ends with exit code 0", async () => {
  await using rig = await AgentRig.start();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "--config", CONFIG, "dev", "--once"],
    env: { AMQP_URL: rig.rabbitmq.url, ...rig.cockroach.environment, NO_COLOR: "1" },
    signal: AbortSignal.timeout(90_000),
  }).output();
  const text = new TextDecoder().decode(stdout), log = new TextDecoder().decode(stderr);
  assert.equal(code, 0, log);
  const shown = text.split("\n").filter((line) => line.startsWith("RabbitMQ #"));
  assert.ok(shown.length >= 20, text);
  assert.match(shown[0] ?? "", /^RabbitMQ #1 +read +\d{19}-\S{16} +\{"table":"foo","key":"\[0\]","value":/);
  for (const type of ["upsert", "delete"]) assert.ok(shown.some((line) => line.includes(` ${type} `)), text);
  assert.match(log, /rabbitmq_messages_sent \d+/);
});

import assert from "node:assert/strict";
import type { RabbitMQOptions } from "../support/rabbitmq.ts";
import { Trial } from "./trial.ts";

const heartbeat = { args: ["--amqp-heartbeat", "1s"] };

async function frozenAndContinued(rabbitmq: RabbitMQOptions): Promise<void> {
  await using trial = await Trial.start({ rabbitmq });
  await using frozen = await trial.running(heartbeat);
  await using standby = await trial.agent(heartbeat);
  await standby.said(({ message }) => message.includes("standing by"));
  frozen.signal("SIGSTOP");
  await trial.witness.note("frozen", await trial.cursor());
  await standby.said(({ message }) => message.startsWith("Sending"));
  await trial.caughtUp();
  await trial.witness.note("continued");
  const from = (await frozen.log()).length;
  frozen.signal("SIGCONT");
  await frozen.said(({ message }) => message.includes("standing by"), 20_000, from);
  await trial.more(300);
  await trial.settle();
  assert.equal(await frozen.stop(), 0);
  assert.equal(await standby.stop(), 0);
  const { repeats } = await trial.sound();
  assert.equal(repeats["continued"] ?? 0, 0);
}

Deno.test("an agent that is stopped by SIGSTOP loses the feed to the standby, and continued cannot write", () =>
  frozenAndContinued({}));

Deno.test("an agent that is stopped by SIGSTOP loses the feed to the standby where the broker wants no heartbeats, too", () =>
  frozenAndContinued({ own: true, config: "heartbeat = 0\n" }));

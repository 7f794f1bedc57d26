import assert from "node:assert/strict";
import { say } from "../support/terminal.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { Trial } from "./trial.ts";

const HEARTBEAT = 2;

Deno.test("a standby takes over within 2 s when the active agent is killed", async () => {
  await using trial = await Trial.start();
  await using active = await trial.running();
  await using standby = await trial.agent();
  await standby.said(({ message }) => message.includes("standing by"));
  assert.equal((await standby.get("/readyz")).status, 200);
  const from = performance.now();
  const killed = trial.kill(active);
  await standby.reaches("rabbitmq_messages_sent", 1);
  const seconds = (performance.now() - from) / 1000;
  say(`took over after ${seconds.toFixed(1)} s`);
  assert.ok(seconds < 2, `took over after ${seconds} s`);
  await killed;
  await trial.more(300);
  await trial.settle();
  assert.equal(await standby.stop(), 0);
  await trial.sound();
});

Deno.test("a standby takes over within four heartbeats when the host of the active agent vanishes", async () => {
  await using trial = await Trial.start();
  const { cockroach, rabbitmq } = trial;
  await using toBroker = await TcpProxy.start(rabbitmq.url);
  await using toDatabase = await TcpProxy.start(cockroach.url);
  const env = { AMQP_ADDR: toBroker.through(rabbitmq.url), DATABASE_URL: toDatabase.through(cockroach.url) };
  const args = ["--amqp-heartbeat", `${HEARTBEAT}s`];
  await using active = await trial.running({ args, env });
  await using standby = await trial.agent({ args });
  await standby.said(({ message }) => message.includes("standing by"));
  toBroker.blackhole();
  toDatabase.blackhole();
  const from = performance.now();
  await trial.witness.note("vanished", await trial.cursor());
  await standby.reaches("rabbitmq_messages_sent", 1);
  const seconds = (performance.now() - from) / 1000;
  say(`took over after ${seconds.toFixed(1)} s`);
  assert.ok(seconds < 4 * HEARTBEAT, `took over after ${seconds} s`);
  await trial.caughtUp();
  await trial.witness.note("back");
  const logged = (await active.log()).length;
  toBroker.heal();
  toDatabase.heal();
  await active.said(({ message }) => message.includes("standing by"), 30_000, logged);
  await trial.more(300);
  await trial.settle();
  assert.equal(await active.stop(), 0);
  assert.equal(await standby.stop(), 0);
  const { repeats } = await trial.sound();
  assert.equal(repeats["back"] ?? 0, 0);
});

import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { freePort } from "../support/ports.ts";
import { Executable } from "./executable.ts";
import { RunningAgent } from "./running_agent.ts";

/** Settings with nobody at the other end. */
function nobodyThere(): Record<string, string> {
  return {
    DATABASE_URL: `postgresql://root:hunter2@127.0.0.1:${freePort()}/shop`,
    AMQP_ADDR: `amqp://guest:hunter2@127.0.0.1:${freePort()}`,
    AMQP_QUEUE: "changes",
  };
}

Deno.test("the executable waits for services that are down: alive, not ready, with a reason", async () => {
  await using executable = await Executable.prepare();
  await using agent = await RunningAgent.start(executable, ["--table", "foo"], nobodyThere());
  const { kind, hint } = await agent.logged("Cannot connect");
  assert.match(String(kind), /Unreachable$/);
  assert.match(String(hint), /check/);
  assert.equal((await agent.fetch("/healthz")).status, 200);
  assert.equal((await agent.fetch("/readyz")).status, 503);
  const metrics = await agent.fetch("/metrics");
  assert.ok(metrics.body.includes(`publisher_build_info{version="${manifest.version}"} 1\n`));
  assert.match((await agent.fetch("/")).body, /shop\.public\.foo/);
  assert.equal(await agent.stop(), 0);
  assert.doesNotMatch(JSON.stringify(await agent.log()), /hunter2/);
});

Deno.test("the executable that may not listen on its address says so and ends with 1", async () => {
  await using executable = await Executable.prepare();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const taken = { PROMETHEUS_ADDR: `127.0.0.1:${listener.addr.port}`, LOG_FORMAT: "json" };
  const { code, stderr } = await executable.run(["--table", "foo"], { ...nobodyThere(), ...taken });
  assert.equal(code, 1);
  const { level, message } = JSON.parse(stderr.trim().split("\n").at(-1) ?? "");
  assert.equal(level, "error");
  assert.match(message, new RegExp(String(listener.addr.port)));
});

import assert from "node:assert/strict";
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import type { AgentProcess } from "../support/agent_process.ts";
import { AgentRig } from "../support/agent_rig.ts";
import { runCommand } from "../support/command.ts";
import { until } from "../support/ports.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";

async function rigWithRows(count: number): Promise<AgentRig> {
  const rig = await AgentRig.start();
  await rig.sql(
    `CREATE TABLE ${rig.name} (a INT PRIMARY KEY, b INT)`,
    `INSERT INTO ${rig.name} SELECT g, 0 FROM generate_series(1, ${count}) g`,
  );
  return rig;
}

async function read(agent: AgentProcess, path: string): Promise<[status: number, body: string]> {
  const response = await agent.get(path);
  return [response.status, await response.text()];
}

Deno.test("/metrics counts what was received, published and stored", async () => {
  await using rig = await rigWithRows(10);
  await using queue = await rig.reader();
  await using agent = await rig.agent();
  await agent.said(({ message }) => message === "The initial scan is confirmed");
  await rig.sql(`UPDATE ${rig.name} SET b = 1`, `DELETE FROM ${rig.name} WHERE a <= 5`);
  await queue.count(25);
  await agent.reaches("rabbitmq_messages_sent", 25);
  await agent.reaches("cursor_store_writes_total", 2);
  const [status, text] = await read(agent, "/metrics");
  assert.equal(status, 200);
  const labels = `\\{feed="${rig.feed}",table="${rig.name}"\\}`;
  const received = 25 + await agent.metric("changefeed_duplicates_dropped_total"); // CockroachDB may send a row twice
  for (
    const sample of [
      "rabbitmq_messages_sent 25",
      `changefeed_rows_received_total${labels} ${received}`,
      `changefeed_commit_to_confirm_seconds_count\\{feed="${rig.feed}"\\} 15`,
      `rabbitmq_confirm_seconds_count\\{feed="${rig.feed}"\\} 25`,
      `rabbitmq_connected\\{feed="${rig.feed}"\\} 1`,
      `changefeed_initial_scan_running\\{feed="${rig.feed}"\\} 0`,
      `changefeed_state\\{feed="${rig.feed}",state="streaming"\\} 1`,
      `rabbitmq_messages_in_flight\\{feed="${rig.feed}"\\} 0`,
    ]
  ) assert.match(text, new RegExp(`^${sample}$`, "m"));
  const lag = await agent.metric("changefeed_resolved_lag_seconds");
  assert.ok(lag >= 0 && lag < 30, `${lag}`);
  const cursor = await agent.metric("changefeed_cursor_timestamp_seconds");
  assert.ok(Math.abs(cursor - Date.now() / 1000) < 30, `${cursor}`);
  assert.equal(await agent.stop(), 0);
});

Deno.test("the status page, health and readiness answer, and nothing else does", async () => {
  await using rig = await rigWithRows(1);
  await using agent = await rig.agent();
  await agent.said(({ message }) => message === "Cursor stored");
  const [status, page] = await read(agent, "/");
  assert.equal(status, 200);
  assert.ok(page.includes(rig.feed) && page.includes("Publishing changes"), page);
  const { host } = new URL(rig.rabbitmq.url);
  assert.match(page, new RegExp(`${host}</span></p><p class="soft">since`));
  assert.ok(!page.includes("guest"), "credentials on the page");
  assert.deepEqual((await read(agent, "/healthz"))[0], 200);
  assert.deepEqual((await read(agent, "/readyz"))[0], 200);
  assert.deepEqual((await read(agent, "/nothing"))[0], 404);
  assert.equal(await agent.stop(), 0);
});

Deno.test("while the broker is away the agent is alive but not ready, and says why on its page", async () => {
  await using rig = await rigWithRows(1);
  await using proxy = await TcpProxy.start(rig.rabbitmq.url);
  await using agent = await rig.agent({ env: { AMQP_ADDR: proxy.through(rig.rabbitmq.url) } });
  await agent.said(({ message }) => message === "Cursor stored");
  assert.equal((await agent.get("/readyz")).status, 200);
  proxy.refuse();
  proxy.cut();
  await agent.said(({ kind }) => kind === "BrokerUnreachable");
  const [ready, reason] = await read(agent, "/readyz");
  assert.equal(ready, 503, reason);
  assert.equal((await agent.get("/healthz")).status, 200);
  assert.equal(await agent.metric("rabbitmq_connected"), 0);
  assert.ok(await agent.metric("changefeed_restarts_total") >= 1);
  const [, page] = await read(agent, "/");
  assert.match(page, /BrokerUnreachable/);
  assert.match(page, /check that RabbitMQ runs/);
  await proxy.accept();
  await until(
    "readiness",
    30_000,
    async () => (await agent.get("/readyz")).status === 200 ? true : undefined,
  );
  assert.equal(await agent.stop(), 0);
});

Deno.test("with HTTP_AUTH and --http-allow-host only health is told to everybody", async () => {
  await using rig = await rigWithRows(1);
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, "me:s3cr3t\n");
  const args = ["--http-allow-host", "feed.example.org,127.0.0.1"];
  await using agent = await rig.agent({ args, env: { HTTP_AUTH_FILE: file } });
  const { address } = await agent.said(({ message }) => message.includes("serves /metrics"));
  const ask = async (path: string, headers: Record<string, string> = {}) => {
    // fetch sets Host itself.
    const [response]: IncomingMessage[] = await once(
      get(`http://${address}${path}`, { headers }),
      "response",
    );
    response?.destroy();
    return response?.statusCode;
  };
  const Authorization = `Basic ${btoa("me:s3cr3t")}`;
  for (const path of ["/", "/metrics"]) {
    assert.equal(await ask(path), 401, path);
    assert.equal(await ask(path, { Authorization }), 200, path);
    assert.equal(await ask(path, { Authorization, Host: "feed.example.org" }), 200, path);
    assert.equal(await ask(path, { Authorization, Host: "evil.example.org" }), 421, path);
  }
  assert.equal(await ask("/healthz", { Host: "10.0.0.1" }), 200);
  assert.equal(await agent.stop(), 0);
  assert.ok(!(await agent.output()).includes("s3cr3t"));
  await Deno.remove(file);
});

Deno.test("the command health asks the agent that runs, with nothing but its address", async () => {
  await using rig = await rigWithRows(1);
  await using agent = await rig.agent();
  const { address } = await agent.said(({ message }) => message.includes("serves /metrics"));
  const env = { PROMETHEUS_ADDR: String(address).replace("127.0.0.1", "0.0.0.0") };
  const ask = () => runCommand({ args: ["health"], env });
  await agent.said(({ message }) => message === "Cursor stored");
  assert.deepEqual(await ask(), { code: 0, stdout: "healthy: streaming\n", stderr: "" });
  assert.equal(await agent.stop(), 0);
  const { code, stdout, stderr } = await ask();
  assert.deepEqual([code, stderr], [1, ""]);
  assert.match(stdout, /^not healthy: cannot ask "127\.0\.0\.1:\d+": .+\n$/);
});

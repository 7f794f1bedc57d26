import assert from "node:assert/strict";
import { METRICS } from "../../src/telemetry/metric_table.ts";
import { AgentRig } from "../support/agent_rig.ts";
import { attribute, OtlpReceiver } from "../support/otlp_receiver.ts";
import { until } from "../support/ports.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";

Deno.test("metrics, and a span per session and checkpoint, leave by OTLP; a stop sends the last of them", async () => {
  await using rig = await AgentRig.start();
  await rig.sql(`CREATE TABLE ${rig.name} (a INT PRIMARY KEY)`, `INSERT INTO ${rig.name} VALUES (1), (2)`);
  await using receiver = new OtlpReceiver();
  await using proxy = await TcpProxy.start(rig.rabbitmq.url);
  await using queue = await rig.reader();
  await using agent = await rig.agent({
    env: {
      AMQP_ADDR: proxy.through(rig.rabbitmq.url),
      AMQP_HEADER: "traceparent={traceparent}",
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
      OTEL_EXPORTER_OTLP_HEADERS: "x-key=k%201",
      OTEL_METRIC_EXPORT_INTERVAL: "500",
      OTEL_SERVICE_NAME: "orders",
    },
  });
  const sent = ([...metrics]: OtlpReceiver["metrics"][number]) =>
    metrics.find(({ name }) => name === "rabbitmq_messages_sent")?.sum?.dataPoints[0]?.asDouble;
  await until(
    "2 messages in an export",
    20_000,
    () => receiver.metrics.some((all) => sent(all) === 2) || undefined,
  );
  const [first] = receiver.received;
  assert.deepEqual([first?.path, first?.headers.get("x-key")], ["/v1/metrics", "k 1"]);
  const { resource } = first?.body.resourceMetrics?.[0] ?? assert.fail("no resource");
  assert.equal(attribute(resource, "service.name"), "orders");
  assert.match(attribute(resource, "service.instance.id") ?? "", /^[0-9a-f-]{36}$/);
  const named = receiver.metrics[0]?.map(({ name }) => name).sort();
  assert.deepEqual(named, Object.values(METRICS).map(({ name }): string => name).sort());

  await agent.said(({ message }) => message === "Cursor stored");
  await queue.count(2);
  proxy.cut();
  const failed = await receiver.span("the session that is cut", ({ status }) => status !== undefined);
  assert.deepEqual([failed.name, attribute(failed, "error.type")], ["session", "BrokerUnreachable"]);
  const checkpoint = await receiver.span("a checkpoint", ({ name }) => name === "checkpoint");
  const feed = await receiver.span(
    "the feed that it ends",
    ({ parentSpanId }) => parentSpanId === failed.spanId,
  );
  assert.deepEqual([feed.name, feed.traceId], ["feed", failed.traceId]);
  assert.deepEqual(checkpoint.links?.map(({ spanId }) => spanId), [feed.spanId]);
  const traceparent = queue.messages[0]?.properties.headers?.["traceparent"];
  assert.equal(traceparent, `00-${feed.traceId}-${feed.spanId}-01`);
  assert.ok(BigInt(checkpoint.startTimeUnixNano) < BigInt(checkpoint.endTimeUnixNano), "it takes no time");
  for (const span of receiver.spans) assert.equal(attribute(span, "feed"), rig.feed);

  assert.equal(await agent.stop(), 0);
  const last = receiver.spans.filter(({ name }) => name === "session").at(-1);
  assert.deepEqual([last?.status, last === failed], [undefined, false]);
});

Deno.test("a collector that fails is told once, and once when it is back, and publishing goes on", async () => {
  await using rig = await AgentRig.start();
  await rig.sql(`CREATE TABLE ${rig.name} (a INT PRIMARY KEY)`, `INSERT INTO ${rig.name} VALUES (1), (2)`);
  await using receiver = new OtlpReceiver();
  receiver.status = 503;
  await using agent = await rig.agent({
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, OTEL_METRIC_EXPORT_INTERVAL: "100" },
  });
  const refused = await agent.said(({ message }) => message.startsWith("Cannot export OpenTelemetry"));
  assert.equal(refused["reason"], "the answer is 503");
  await agent.reaches("cursor_store_writes_total", 2);
  receiver.status = 200;
  await agent.said(({ message }) => message === "OpenTelemetry is exported again");
  assert.equal(await agent.stop(), 0);
  const told = (await agent.log()).filter(({ message }) => message.includes("OpenTelemetry"));
  assert.equal(told.length, 2, JSON.stringify(told));
});

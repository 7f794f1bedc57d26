import assert from "node:assert/strict";
import { metricsPayload, tracesPayload } from "../../../src/otlp/payload.ts";
import { METRICS } from "../../../src/telemetry/metric_table.ts";

const RESOURCE = { "service.name": "s", "service.version": "1" };
const ENVELOPE = {
  attributes: [
    { key: "service.name", value: { stringValue: "s" } },
    { key: "service.version", value: { stringValue: "1" } },
  ],
};
const SCOPE = { name: "crdb-changefeed-publisher", version: "1" };
const TIME = { startTimeUnixNano: "1500000", timeUnixNano: "1700000000123456000" };
const LABELS = { feed: "f" };
const ATTRIBUTES = [{ key: "feed", value: { stringValue: "f" } }];

Deno.test("metricsPayload() makes counters sums, gauges gauges and histograms histograms, as OTLP's JSON has them", () => {
  const { messagesSent, gcTtl, confirmSeconds } = METRICS;
  const payload = metricsPayload(
    RESOURCE,
    [
      { definition: messagesSent, samples: [[{}, 7]] },
      { definition: gcTtl, samples: [[LABELS, 0.5]] },
      {
        definition: confirmSeconds,
        samples: [],
        histogram: { labels: LABELS, bounds: [1, 2], counts: [3, 0, 1], sum: 4.5 },
      },
    ],
    1.5,
    1_700_000_000_123.456,
  );
  const metrics = [
    {
      name: "rabbitmq_messages_sent",
      description: messagesSent.help,
      unit: "1",
      sum: {
        aggregationTemporality: 2,
        isMonotonic: true,
        dataPoints: [{ ...TIME, attributes: [], asDouble: 7 }],
      },
    },
    {
      name: "changefeed_gc_ttl_seconds",
      description: gcTtl.help,
      unit: "s",
      gauge: { dataPoints: [{ ...TIME, attributes: ATTRIBUTES, asDouble: 0.5 }] },
    },
    {
      name: "rabbitmq_confirm_seconds",
      description: confirmSeconds.help,
      unit: "s",
      histogram: {
        aggregationTemporality: 2,
        dataPoints: [{
          ...TIME,
          attributes: ATTRIBUTES,
          explicitBounds: [1, 2],
          bucketCounts: ["3", "0", "1"],
          count: "4",
          sum: 4.5,
        }],
      },
    },
  ];
  assert.deepEqual(payload, {
    resourceMetrics: [{ resource: ENVELOPE, scopeMetrics: [{ scope: SCOPE, metrics }] }],
  });
});

Deno.test("tracesPayload() says what a span belongs to, and what ended it", () => {
  const span = { name: "feed", traceId: "a".repeat(32), spanId: "b".repeat(16), start: 1, end: 2 };
  const link = { traceId: "c".repeat(32), spanId: "d".repeat(16) };
  const error = { kind: "SourceSilent", message: "quiet" };
  const payload = tracesPayload(RESOURCE, [{ ...span, parentId: "e", link, error, attributes: { n: 1 } }]);
  const shown = {
    name: "feed",
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: "e",
    links: [link],
    kind: 1,
    startTimeUnixNano: "1000000",
    endTimeUnixNano: "2000000",
    attributes: [
      { key: "n", value: { doubleValue: 1 } },
      { key: "error.type", value: { stringValue: "SourceSilent" } },
    ],
    status: { code: 2, message: "quiet" },
  };
  assert.deepEqual(payload, {
    resourceSpans: [{ resource: ENVELOPE, scopeSpans: [{ scope: SCOPE, spans: [shown] }] }],
  });
});

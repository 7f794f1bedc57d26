import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { METRICS, metricsTable } from "../../../src/telemetry/metric_table.ts";
import { Metrics } from "../../../src/telemetry/metrics.ts";
import { STATES } from "../../../src/telemetry/status.ts";

const NOW = Date.UTC(2026, 10, 24) / 1000;
const FEED = "defaultdb.public.foo";

/** Runs with metrics of its own and returns the lines of a scrape, without `# HELP` and `# TYPE`. */
async function scrape(record: (metrics: Metrics) => void, feed = FEED): Promise<string[]> {
  const metrics = new Metrics({ feed, version: "1.2.3", now: () => NOW * 1000 });
  try {
    record(metrics);
    return (await metrics.render()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  } finally {
    metrics.close();
  }
}

async function sample(series: string, record: (metrics: Metrics) => void): Promise<number | undefined> {
  const line = (await scrape(record)).find((line) => line.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

Deno.test("README shows the table of metrics", async () => {
  const readme = await readFile(new URL("../../../README.md", import.meta.url), "utf8").catch(() => "");
  const [, shown] = /<!-- metrics -->\n([\s\S]*?)\n<!-- \/metrics -->/.exec(readme) ?? [];
  assert.ok(
    shown !== undefined,
    "README.md lacks the lines <!-- metrics --> and <!-- /metrics -->; put metricsTable() between them",
  );
  assert.equal(shown.trim(), metricsTable(), "README.md shows another table than metricsTable()");
});

Deno.test("metricsTable() has a row for every metric", () => {
  const rows = metricsTable().split("\n");
  assert.equal(rows.length, Object.keys(METRICS).length + 2);
  assert.ok(rows.every((row) => row.split("|").length === 6), "a help text holds a |");
  assert.equal(
    rows[3],
    "| `changefeed_rows_received_total` | counter | `feed` `table` | Rows received from CockroachDB, repeats included |",
  );
});

Deno.test("Metrics.render() describes every metric of the table, and no other", async () => {
  const metrics = new Metrics({ feed: FEED, version: "1.2.3" });
  try {
    const lines = (await metrics.render()).split("\n");
    const described = (word: string) =>
      lines.filter((line) => line.startsWith(`# ${word} `)).map((line) => line.slice(word.length + 3)).sort();
    const table = Object.values(METRICS);
    assert.deepEqual(described("HELP"), table.map(({ name, help }) => `${name} ${help}`).sort());
    assert.deepEqual(described("TYPE"), table.map(({ name, type }) => `${name} ${type}`).sort());
  } finally {
    metrics.close();
  }
});

Deno.test("Metrics.render() gives every sample the labels of the table", async () => {
  const lines = await scrape((metrics) => {
    metrics.received("foo", 1);
    metrics.resolved(NOW);
    metrics.cursorStored(NOW, 1);
    metrics.gcTtl(1);
    metrics.restart("SourceUnreachable");
    metrics.unpublishable("skip");
  });
  for (const { name, type, labels } of Object.values(METRICS)) {
    const series = type === "histogram" ? `${name}_count` : name;
    const line = lines.find((line) => new RegExp(`^${series}[{ ]`).test(line));
    assert.ok(line !== undefined, `${name} has no sample`);
    assert.deepEqual(
      [...line.matchAll(/(\w+)="/g)].map((match) => match[1]).sort(),
      [...labels].sort(),
      name,
    );
  }
});

Deno.test("Metrics.confirmed() counts rabbitmq_messages_sent, without labels as the original did", async () => {
  const record = (metrics: Metrics) => {
    metrics.confirmed(3);
    metrics.confirmed(4);
  };
  assert.equal(await sample("rabbitmq_messages_sent", record), 7);
  assert.equal(await sample("rabbitmq_messages_sent", () => {}), 0);
});

Deno.test("Metrics.received() and dropped() count each table apart", async () => {
  const record = (metrics: Metrics) => {
    metrics.received("a", 10);
    metrics.received("b", 5);
    metrics.received("a", 1);
    metrics.dropped("a");
  };
  const labels = (table: string) => `{feed="${FEED}",table="${table}"}`;
  assert.equal(await sample(`changefeed_rows_received_total${labels("a")}`, record), 2);
  assert.equal(await sample(`changefeed_bytes_received_total${labels("a")}`, record), 11);
  assert.equal(await sample(`changefeed_duplicates_dropped_total${labels("a")}`, record), 1);
  assert.equal(await sample(`changefeed_rows_received_total${labels("b")}`, record), 1);
  assert.equal(await sample(`changefeed_duplicates_dropped_total${labels("b")}`, record), 0);
});

Deno.test("Metrics.received() counts a table with an empty name", async () => {
  const record = (metrics: Metrics) => metrics.received("", 1);
  assert.equal(await sample(`changefeed_rows_received_total{feed="${FEED}",table=""}`, record), 1);
});

Deno.test("Metrics.unpublishable() counts from a 0 that is shown, so that Prometheus sees the first one", async () => {
  const series = `rabbitmq_messages_unpublishable_total{feed="${FEED}",action="skip"}`;
  assert.equal(await sample(series, () => {}), 0);
  assert.equal(await sample(series, (metrics) => metrics.unpublishable("skip")), 1);
});

Deno.test("Metrics.render() does not count anything twice when it is scraped twice", async () => {
  const metrics = new Metrics({ feed: FEED, version: "1.2.3" });
  try {
    metrics.confirmed(2);
    metrics.confirmSeconds(0.5);
    metrics.restart("BrokerNacked");
    await metrics.render();
    const text = await metrics.render();
    assert.match(text, /^rabbitmq_messages_sent 2$/m);
    assert.match(text, /^rabbitmq_confirm_seconds_count\{.*\} 1$/m);
    assert.match(text, /^changefeed_restarts_total\{feed=".*",reason="BrokerNacked"\} 1$/m);
  } finally {
    metrics.close();
  }
});

Deno.test("Metrics.resolved() makes the lag grow with the clock, never below zero", async () => {
  const series = `changefeed_resolved_lag_seconds{feed="${FEED}"}`;
  assert.equal(await sample(series, (metrics) => metrics.resolved(NOW - 12.5)), 12.5);
  assert.equal(await sample(series, (metrics) => metrics.resolved(NOW + 3)), 0);
});

Deno.test("Metrics.render() has no sample of what is unknown", async () => {
  const lines = await scrape(() => {});
  for (const { name } of [METRICS.resolvedLag, METRICS.cursorTimestamp, METRICS.gcHeadroom, METRICS.gcTtl]) {
    assert.ok(!lines.some((line) => line.startsWith(name)), name);
  }
  const forgotten = await scrape((metrics) => {
    metrics.cursorStored(NOW, 1);
    metrics.gcTtl(5);
    metrics.gcTtl(undefined);
  });
  assert.ok(!forgotten.some((line) => line.startsWith(METRICS.gcHeadroom.name)));
});

Deno.test("Metrics.gcTtl() makes the headroom shrink as the cursor ages", async () => {
  const headroom = await sample(`changefeed_gc_headroom_seconds{feed="${FEED}"}`, (metrics) => {
    metrics.cursorStored(NOW - 100, 1);
    metrics.gcTtl(90_000);
  });
  assert.equal(headroom, 89_900);
});

Deno.test("Metrics.state() sets one state and clears the others", async () => {
  const lines = await scrape((metrics) => {
    metrics.state("streaming");
    metrics.state("standby");
  });
  const states = lines.filter((line) => line.startsWith("changefeed_state"));
  assert.equal(states.length, STATES.length);
  assert.deepEqual(states.filter((line) => line.endsWith(" 1")), [
    `changefeed_state{feed="${FEED}",state="standby"} 1`,
  ]);
});

Deno.test("Metrics.cursorRead() sets the cursor without counting a write", async () => {
  const record = (metrics: Metrics) => metrics.cursorRead(NOW - 60);
  assert.equal(await sample(`changefeed_cursor_timestamp_seconds{feed="${FEED}"}`, record), NOW - 60);
  assert.equal(await sample(`cursor_store_writes_total{feed="${FEED}"}`, record), 0);
});

Deno.test("Metrics.cursorStored() sets the cursor and counts and times the write", async () => {
  const record = (metrics: Metrics) => metrics.cursorStored(NOW, 0.02);
  assert.equal(await sample(`changefeed_cursor_timestamp_seconds{feed="${FEED}"}`, record), NOW);
  assert.equal(await sample(`cursor_store_writes_total{feed="${FEED}"}`, record), 1);
  assert.equal(await sample(`cursor_store_write_seconds_sum{feed="${FEED}"}`, record), 0.02);
});

Deno.test("Metrics shows what the broker does", async () => {
  const record = (metrics: Metrics) => {
    metrics.nacked(2);
    metrics.returned();
    metrics.blocked(true);
    metrics.connected(true);
    metrics.scanRunning(true);
    metrics.inFlight = () => ({ messages: 12, bytes: 3456, limit: 250 });
    metrics.guard = () => ({ bytes: 789, overflowed: true });
  };
  const label = `{feed="${FEED}"}`;
  assert.equal(await sample(`rabbitmq_messages_nacked_total${label}`, record), 2);
  assert.equal(await sample(`rabbitmq_messages_returned_total${label}`, record), 1);
  assert.equal(await sample(`rabbitmq_blocked${label}`, record), 1);
  assert.equal(await sample(`rabbitmq_connected${label}`, record), 1);
  assert.equal(await sample(`changefeed_initial_scan_running${label}`, record), 1);
  assert.equal(await sample(`rabbitmq_messages_in_flight${label}`, record), 12);
  assert.equal(await sample(`rabbitmq_messages_in_flight_limit${label}`, record), 250);
  assert.equal(await sample(`rabbitmq_bytes_in_flight${label}`, record), 3456);
  assert.equal(await sample(`changefeed_guard_bytes${label}`, record), 789);
  assert.equal(await sample(`changefeed_guard_overflowed${label}`, record), 1);
  assert.equal(await sample(`rabbitmq_blocked${label}`, () => {}), 0);
});

Deno.test("Metrics.commitToConfirm() counts clocks that disagree as zero", async () => {
  const record = (metrics: Metrics) => {
    metrics.commitToConfirm(-5);
    metrics.commitToConfirm(2);
  };
  const series = (name: string, le: string) =>
    `changefeed_commit_to_confirm_seconds${name}{${le}feed="${FEED}"}`;
  assert.equal(await sample(series("_sum", ""), record), 2);
  assert.equal(await sample(series("_bucket", 'le="0.01",'), record), 1);
  assert.equal(await sample(series("_bucket", 'le="2.5",'), record), 2);
  assert.equal(await sample(series("_bucket", 'le="+Inf",'), record), 2);
});

Deno.test("Metrics.render() escapes a feed's odd name alike in values and histograms", async () => {
  const lines = await scrape((metrics) => metrics.confirmSeconds(1), 'a"b\\c\nd');
  const labels = lines.filter((line) => /^rabbitmq_(blocked|confirm_seconds_count)/.test(line))
    .map((line) => line.replace(/^\w+|\s\S+$/g, ""));
  assert.deepEqual(labels, ['{feed="a\\"b\\\\c\\nd"}', '{feed="a\\"b\\\\c\\nd"}']);
});

Deno.test("Metrics.counts() sums the tables for the status page", () => {
  const metrics = new Metrics({ feed: FEED, version: "1.2.3" });
  try {
    metrics.received("a", 1);
    metrics.received("b", 1);
    metrics.dropped("b");
    metrics.confirmed(1);
    metrics.unpublishable("skip");
    metrics.unpublishable("dead-letter");
    metrics.gcTtl(90_000);
    metrics.inFlight = () => ({ messages: 5, bytes: 6, limit: 7 });
    assert.deepEqual(metrics.counts(), {
      received: 2,
      dropped: 1,
      tables: new Map([["a", { rows: 1, dropped: 0 }], ["b", { rows: 1, dropped: 1 }]]),
      confirmed: 1,
      nacked: 0,
      returned: 0,
      unpublishable: 2,
      messagesInFlight: 5,
      bytesInFlight: 6,
      inFlightLimit: 7,
      gcTtl: 90_000,
      gcHeadroom: undefined,
    });
  } finally {
    metrics.close();
  }
});

import assert from "node:assert/strict";
import { AgentError } from "../../../src/errors.ts";
import { createLog } from "../../../src/telemetry/log.ts";
import { Metrics } from "../../../src/telemetry/metrics.ts";
import { Status } from "../../../src/telemetry/status.ts";
import { Telemetry } from "../../../src/telemetry/telemetry.ts";
import { change, hlcOf } from "../../support/arbitrary.ts";

const SECOND = 1_000_000_000;

/** Telemetry whose log, status and metrics a test can look at; the wall clock stands at 100 s. */
async function opened(test: (bench: Bench) => void | Promise<void>): Promise<void> {
  const metrics = new Metrics({ feed: "feed", version: "1.2.3", now: () => 100_000 });
  const status = new Status({
    feed: "feed",
    version: "1.2.3",
    tables: new Map(),
    source: { system: "CockroachDB", place: "", addresses: [] },
    destination: { system: "RabbitMQ", place: "", addresses: [] },
    stuckAfter: 120_000,
    counts: () => metrics.counts(),
    now: () => 100_000,
  });
  const lines: string[] = [];
  const log = createLog({
    level: "debug",
    format: "json",
    colours: false,
    write: (line) => lines.push(line),
  });
  try {
    const telemetry = new Telemetry({ metrics, status, log, now: () => 100_000 });
    const sample = async (series: string) => {
      const line = (await metrics.render()).split("\n").find((line) => line.startsWith(series));
      return Number(line?.split(" ").at(-1));
    };
    await test({ telemetry, status, metrics, lines, sample });
  } finally {
    metrics.close();
  }
}

interface Bench {
  readonly telemetry: Telemetry;
  readonly status: Status;
  readonly metrics: Metrics;
  readonly lines: string[];
  readonly sample: (series: string) => Promise<number>;
}

Deno.test("relay counts rows, bytes and repeats, and logs none of them", () =>
  opened(({ telemetry, metrics, lines }) => {
    telemetry.relay.received(change());
    telemetry.relay.received(change());
    telemetry.relay.dropped(change());
    assert.deepEqual([metrics.counts().received, metrics.counts().dropped, lines], [2, 1, []]);
  }));

Deno.test("a blocked broker shows as waiting, and what the agent did before as soon as it takes messages", () =>
  opened(({ telemetry, status }) => {
    telemetry.state("streaming");
    telemetry.blocked(true);
    assert.equal(status.state, "waiting");
    telemetry.blocked(false);
    assert.equal(status.state, "streaming");
  }));

Deno.test("a blocked broker shows as waiting through a failure of the source: the process is not stuck (G8)", () =>
  opened(({ telemetry, status }) => {
    telemetry.state("streaming");
    telemetry.blocked(true);
    telemetry.failed(new AgentError("SourceUnreachable", "Lost"), 100);
    assert.equal(status.state, "backing-off");
    telemetry.state("streaming");
    assert.equal(status.state, "waiting");
    telemetry.blocked(false);
    assert.equal(status.state, "streaming");
  }));

Deno.test("a blocked broker does not hide that the agent stops", () =>
  opened(({ telemetry, status }) => {
    telemetry.state("streaming");
    telemetry.blocked(true);
    telemetry.state("stopping");
    assert.equal(status.state, "stopping");
  }));

Deno.test("the first checkpoint of a scan ends it, also while the broker is blocked", () =>
  opened(async ({ telemetry, status, sample }) => {
    telemetry.feed({ cursor: hlcOf(90 * SECOND), scanning: true }, undefined);
    telemetry.state("scanning");
    assert.equal(await sample("changefeed_initial_scan_running"), 1);
    telemetry.blocked(true);
    telemetry.checkpoint(hlcOf(90 * SECOND));
    telemetry.blocked(false);
    assert.equal(status.state, "streaming");
    assert.equal(status.snapshot().scan?.until, 100_000);
    assert.equal(await sample("changefeed_initial_scan_running"), 0);
  }));

Deno.test("confirmed() measures from commit to confirm, but not for rows of the scan", () =>
  opened(async ({ telemetry, sample }) => {
    const message = { row: undefined, previous: undefined, publishedAt: 0 };
    telemetry.confirmed({ ...message, committed: hlcOf(97 * SECOND) }, 5);
    telemetry.confirmed({ ...message, committed: undefined }, 5);
    assert.equal(await sample("rabbitmq_messages_sent"), 2);
    assert.equal(await sample("changefeed_commit_to_confirm_seconds_count"), 1);
    assert.equal(await sample("changefeed_commit_to_confirm_seconds_sum"), 3);
    assert.equal(await sample("rabbitmq_confirm_seconds_count"), 2);
  }));

Deno.test("failed() counts by kind, warns, and is the status's last failure", () =>
  opened(async ({ telemetry, status, lines, sample }) => {
    telemetry.failed(new AgentError("BrokerNacked", "Refused a message"), 123.4);
    assert.equal(await sample('changefeed_restarts_total{feed="feed",reason="BrokerNacked"'), 1);
    const { failures, interruption } = status.snapshot();
    assert.equal(failures[0]?.kind, "BrokerNacked");
    assert.deepEqual(interruption, { since: 100_000, retryAt: 100_123.4 });
    assert.match(lines[0] ?? "", /Refused a message/);
    assert.match(lines[0] ?? "", /123/);
  }));

Deno.test("a cursor that waits is a failure, but no interruption", () =>
  opened(({ telemetry, status, lines }) => {
    telemetry.cursorWaits(new AgentError("CursorStoreUnavailable", "Cannot store"), 10);
    const { failures, interruption } = status.snapshot();
    assert.deepEqual([failures.length, interruption], [1, undefined]);
    assert.match(lines[0] ?? "", /The cursor waits, publishing goes on: Cannot store/);
  }));

Deno.test("both ends are shown as connected while they are", () =>
  opened(({ telemetry, status }) => {
    telemetry.source("db:26257 (v23.1)");
    telemetry.broker("mq:5672");
    const { source, destination } = status.snapshot();
    assert.deepEqual(source.connection, { address: "db:26257 (v23.1)", since: 100_000 });
    assert.deepEqual(destination.connection, { address: "mq:5672", since: 100_000 });
    telemetry.source(undefined);
    telemetry.broker(undefined);
    const after = status.snapshot();
    assert.deepEqual([after.source.connection, after.destination.connection], [undefined, undefined]);
  }));

Deno.test("the cursor that is stored is the one on the status page", () =>
  opened(({ telemetry, status }) => {
    telemetry.feed({ cursor: hlcOf(90 * SECOND), scanning: false }, undefined);
    assert.equal(status.snapshot().cursor, hlcOf(90 * SECOND));
    telemetry.cursorStored(hlcOf(95 * SECOND), 0.1);
    assert.equal(status.snapshot().cursor, hlcOf(95 * SECOND));
  }));

Deno.test("feed() says what is sent, and where it ends; complete() that it has", () =>
  opened(({ telemetry, lines }) => {
    const cursor = hlcOf(90 * SECOND);
    telemetry.feed({ cursor, scanning: true }, undefined);
    telemetry.feed({ cursor, scanning: true }, cursor);
    telemetry.feed({ cursor, scanning: false }, hlcOf(95 * SECOND));
    telemetry.complete(hlcOf(95 * SECOND));
    assert.match(lines[0] ?? "", /whole tables, then what changes/);
    assert.match(lines[1] ?? "", /whole tables"/);
    assert.match(lines[2] ?? "", /Sending what changes.*until.*1970-01-01T00:01:35/);
    assert.match(lines[3] ?? "", /Everything up to the end.*1970-01-01T00:01:35/);
  }));

Deno.test("stopped() makes the process unhealthy only together with the state stopped", () =>
  opened(({ telemetry, status }) => {
    telemetry.stopped(new AgentError("TableDropped", "The table is gone"));
    telemetry.state("stopped");
    assert.equal(status.health().ok, false);
    assert.match(status.health().reason, /TableDropped/);
  }));

Deno.test("a headroom that cannot be told is said once, with the grant that would tell", () =>
  opened(({ telemetry, lines }) => {
    telemetry.gcTtl(undefined);
    telemetry.gcTtl(undefined);
    telemetry.gcTtl(90_000);
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.match(lines[0]!, /cannot be told.*GRANT SELECT/);
  }));

Deno.test("deletions under another key than their row's are warned of once", () =>
  opened(({ telemetry, lines }) => {
    telemetry.anonymousDeletions(["foo", "bar"]);
    telemetry.anonymousDeletions(["foo", "bar"]);
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.match(lines[0]!, /collated string.*"foo, bar".*--diff/);
  }));

Deno.test("a guard that is full is warned of", () =>
  opened(({ telemetry, lines }) => {
    telemetry.guardFull();
    assert.match(lines[0]!, /"warn".*More rows changed.*nothing is lost/);
  }));

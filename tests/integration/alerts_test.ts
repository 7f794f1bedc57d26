import assert from "node:assert/strict";
import { run } from "../support/guarded_process.ts";
import { prometheusIsToBeHad, prometheusProgram } from "../support/prometheus.ts";
import { say } from "../support/terminal.ts";

const RULES = new URL("../../deploy/prometheus/alerts.yaml", import.meta.url).pathname;
const ignore = !await prometheusIsToBeHad("promtool");

/** Series by name, in promtool's notation: `0+60x120` is 0 and 120 more, each 60 higher; `_` is no sample. One a minute. */
type Series = Readonly<Record<string, string>>;

interface Case {
  readonly what: string;
  /** What is different from a healthy feed. */
  readonly series: Series;
  /** Minute at which every alert is looked at; default 60. */
  readonly at?: number;
  /** The alerts that fire; no other does. */
  readonly fires: readonly string[];
}

const of = (instance: string, more = "") => `{job="j",instance="${instance}",feed="f"${more}}`;
const state = (instance: string, name: string) => `changefeed_state${of(instance, `,state="${name}"`)}`;
const bucket = (bound: string) => `changefeed_commit_to_confirm_seconds_bucket${of("a", `,le="${bound}"`)}`;
const START = (instance: string) => `process_start_time_seconds{job="j",instance="${instance}"}`;
const CURSOR = `changefeed_cursor_timestamp_seconds${of("a")}`;
const HEADROOM = `changefeed_gc_headroom_seconds${of("a")}`;
const RESTARTS = `changefeed_restarts_total${of("a", `,reason="SourceUnreachable"`)}`;
const SKIPPED = `rabbitmq_messages_unpublishable_total${of("a", `,action="skip"`)}`;

/** `a` publishes; `b` did so earlier and stands by, with the cursor and headroom of that time. */
const HEALTHY: Series = {
  [`up{job="j",instance="a"}`]: "1x120",
  [`up{job="j",instance="b"}`]: "1x120",
  [`publisher_build_info{job="j",instance="a",version="1"}`]: "1x120",
  [`publisher_build_info{job="j",instance="b",version="1"}`]: "1x120",
  [START("a")]: "1000x120",
  [START("b")]: "1000x120",
  [state("a", "streaming")]: "1x120",
  [state("a", "standby")]: "0x120",
  [state("a", "stopped")]: "0x120",
  [state("b", "streaming")]: "0x120",
  [state("b", "standby")]: "1x120",
  [state("b", "stopped")]: "0x120",
  [RESTARTS]: "0+1x120",
  [bucket("10")]: "0+60x120",
  [bucket("30")]: "0+60x120",
  [bucket("+Inf")]: "0+60x120",
  [CURSOR]: "0+60x120",
  [`changefeed_cursor_timestamp_seconds${of("b")}`]: "5x120",
  [HEADROOM]: "85000x120",
  [`changefeed_gc_headroom_seconds${of("b")}`]: "9000-60x120",
  [`changefeed_gc_ttl_seconds${of("a")}`]: "90000x120",
  [`changefeed_gc_ttl_seconds${of("b")}`]: "90000x120",
  [`changefeed_gaps_total${of("a")}`]: "0x120",
  [`changefeed_guard_overflowed${of("a")}`]: "0x120",
  [`rabbitmq_blocked${of("a")}`]: "0x120",
  [`rabbitmq_messages_nacked_total${of("a")}`]: "0x120",
  [`rabbitmq_messages_returned_total${of("a")}`]: "0x120",
  [SKIPPED]: "0x120",
};

/** Nothing of a process, and what Prometheus writes when it is gone. */
const without = (instance: string, from: number): Series =>
  Object.fromEntries(
    Object.entries(HEALTHY).filter(([name]) => name.includes(`instance="${instance}"`)).map(
      ([name, values]) => {
        const [, first = "", step = "0"] = /^(-?\d+)([+-]\d+)?/.exec(values) ?? [];
        const seen = `${first}${step === "0" ? "" : step}x${from}`;
        return [name, name.startsWith("up{") ? `1x${from} 0x60` : `${seen} stale`];
      },
    ),
  );

const CASES: readonly Case[] = [
  { what: "a healthy feed and its standby", series: {}, fires: [] },
  {
    what: "a process that has just started and connects",
    series: first("connecting", 60),
    at: 61,
    fires: [],
  },
  {
    what: "a process that has not connected for minutes",
    series: first("connecting", 50),
    at: 60,
    fires: ["ChangefeedNotPublishing"],
  },
  {
    what: "a standby that takes over: only the process that is gone is told",
    series: {
      ...without("a", 30),
      [state("b", "streaming")]: "0x30 1x90",
      [`changefeed_cursor_timestamp_seconds${of("b")}`]: "5x30 1860+60x90",
      [`changefeed_gc_headroom_seconds${of("b")}`]: "85000x120",
    },
    fires: ["ChangefeedDown"],
  },
  {
    what: "all processes gone",
    series: { ...without("a", 30), ...without("b", 30) },
    fires: ["ChangefeedDown", "ChangefeedNotPublishing"],
  },
  {
    what: "a standby for which nobody makes way",
    series: { ...without("a", 30), [`up{job="j",instance="a"}`]: "1x30 stale" },
    at: 55,
    // What the standby knows is old, and says so.
    fires: ["ChangefeedCursorStuck", "ChangefeedGcHeadroomLow", "ChangefeedNotPublishing"],
  },
  { what: "a process started anew once", series: { [START("a")]: "1000x40 2000x80" }, fires: [] },
  {
    what: "a process that stops for good after each start",
    series: {
      [START("a")]: "1000x40 2000 3000 4000 5000x80",
      [state("a", "streaming")]: "1x40 0x80",
    },
    fires: ["ChangefeedNotPublishing", "ChangefeedStopped"],
  },
  {
    what: "the state stopped",
    series: { [state("a", "stopped")]: "0x59 1x60" },
    fires: ["ChangefeedStopped"],
  },
  { what: "49 restarts in 15 minutes", series: { [RESTARTS]: "0+3.2x120" }, fires: [] },
  { what: "52 restarts in 15 minutes", series: { [RESTARTS]: "0+3.5x120" }, fires: ["ChangefeedRestarts"] },
  {
    what: "1 in 50 changes slower than 10 s, for 15 minutes",
    series: { [bucket("10")]: "0+60x40 2400+58.8x80" },
    at: 60,
    fires: ["ChangefeedSlow"],
  },
  { what: "the same, for less", series: { [bucket("10")]: "0+60x50 3000+58.8x70" }, at: 60, fires: [] },
  { what: "1 in 200 slower than 10 s", series: { [bucket("10")]: "0+59.7x120" }, fires: [] },
  { what: "a cursor that stands", series: { [CURSOR]: "0+60x30 1800x90" }, fires: ["ChangefeedCursorStuck"] },
  {
    what: "a cursor once in 10 minutes",
    series: { [CURSOR]: "600x10 1200x10 1800x10 2400x10 3000x10 3600x10" },
    at: 60,
    fires: [],
  },
  { what: "a headroom of 24%", series: { [HEADROOM]: "21600x120" }, fires: ["ChangefeedGcHeadroomLow"] },
  { what: "a headroom of 26%", series: { [HEADROOM]: "23400x120" }, fires: [] },
  { what: "a gap", series: { [`changefeed_gaps_total${of("a")}`]: "0x40 1x80" }, fires: ["ChangefeedGap"] },
  {
    what: "a gap before the first sample",
    series: { [`changefeed_gaps_total${of("a")}`]: "_x50 1x60" },
    fires: ["ChangefeedGap"],
  },
  {
    what: "a gap of more than an hour ago",
    series: { [`changefeed_gaps_total${of("a")}`]: "0x10 1x110" },
    at: 80,
    fires: [],
  },
  {
    what: "a broker blocked for 6 minutes",
    series: { [`rabbitmq_blocked${of("a")}`]: "0x53 1x60" },
    fires: ["ChangefeedBrokerBlocked"],
  },
  {
    what: "a broker blocked for 4 minutes",
    series: { [`rabbitmq_blocked${of("a")}`]: "0x55 1x60" },
    fires: [],
  },
  {
    what: "one nack",
    series: { [`rabbitmq_messages_nacked_total${of("a")}`]: "0x55 1x60" },
    fires: ["ChangefeedMessagesRefused"],
  },
  {
    what: "one message returned",
    series: { [`rabbitmq_messages_returned_total${of("a")}`]: "0x55 1x60" },
    fires: ["ChangefeedMessagesRefused"],
  },
  { what: "one message skipped", series: { [SKIPPED]: "0x55 1x60" }, fires: ["ChangefeedMessagesRefused"] },
  {
    what: "one nack half an hour ago",
    series: { [`rabbitmq_messages_nacked_total${of("a")}`]: "0x30 1x60" },
    fires: [],
  },
  {
    what: "a full guard",
    series: { [`changefeed_guard_overflowed${of("a")}`]: "0x50 1x60" },
    fires: ["ChangefeedGuardFull"],
  },
];

/** One process that was never seen before a minute, in one state. */
function first(name: string, minute: number): Series {
  const gone = Object.keys(HEALTHY).map((series) => [series, "_x120"]);
  return {
    ...Object.fromEntries(gone),
    [state("a", name)]: `_x${minute} 1x60`,
    [state("a", "streaming")]: `_x${minute} 0x60`,
  };
}

/** The case as promtool takes it. Every alert that fires is compared, so that a case proves the others quiet too. */
function promtoolTest({ what, series, at = 60, fires }: Case) {
  const severity = (alert: string) => severities.get(alert) ?? assert.fail(`no alert ${alert}`);
  const labels = (alert: string) => {
    const target = alert === "ChangefeedDown" ? TARGETS(series) : [`feed="f"`];
    return target.map((target) =>
      `{__name__="ALERTS",alertname="${alert}",alertstate="firing",severity="${severity(alert)}",${target}}`
    );
  };
  return {
    name: what,
    interval: "1m",
    input_series: Object.entries({ ...HEALTHY, ...series }).map(([series, values]) => ({ series, values })),
    promql_expr_test: [{
      expr: `ALERTS{alertstate="firing"}`,
      eval_time: `${at}m`,
      exp_samples: fires.flatMap(labels).map((labels) => ({ labels, value: 1 })),
    }],
  };
}

const TARGETS = (series: Series) =>
  ["a", "b"].filter((instance) => / 0x/.test(series[`up{job="j",instance="${instance}"}`] ?? ""))
    .map((instance) => `instance="${instance}",job="j"`);

const severities = new Map(
  [...Deno.readTextFileSync(RULES).matchAll(/- alert: (\w+)[^]*?severity: (\w+)/g)]
    .map(([, alert = "", severity = ""]) => [alert, severity]),
);

Deno.test({
  name: "promtool takes the alert rules, and each fires when it should and at no other time",
  ignore,
  async fn() {
    const promtool = await prometheusProgram("promtool");
    const folder = await Deno.makeTempDir({ prefix: "alerts-" });
    try {
      const checked = await run(promtool, ["check", "rules", RULES]);
      assert.match(checked, new RegExp(`SUCCESS: ${severities.size} rules found`));
      const file = `${folder}/cases.json`;
      const tests = { rule_files: [RULES], evaluation_interval: "1m", tests: CASES.map(promtoolTest) };
      await Deno.writeTextFile(file, JSON.stringify(tests));
      assert.match(await run(promtool, ["test", "rules", file]), /SUCCESS/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
    say(`promtool: ${severities.size} alerts in ${CASES.length} cases`);
  },
});

Deno.test("each alert has a case in which it fires", () => {
  const fired = new Set(CASES.flatMap(({ fires }) => fires));
  assert.deepEqual([...fired].sort(), [...severities.keys()].sort());
});

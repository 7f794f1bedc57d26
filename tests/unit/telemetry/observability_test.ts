import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { METRICS } from "../../../src/telemetry/metric_table.ts";

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const RULES = read("deploy/prometheus/alerts.yaml");
const DASHBOARD = read("deploy/grafana/dashboard.json");
const ALERTS = [...RULES.matchAll(/- alert: (\w+)/g)].map(([, alert = ""]) => alert);
/** What Prometheus makes of a histogram, of alerts and of processes. */
const SUFFIX = /_(bucket|sum|count)$/;
const METRIC = /\b(?:changefeed|rabbitmq|cursor_store|process|publisher)_\w+/g;

function metricsIn(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(METRIC)].map(([name]) => name.replace(SUFFIX, "")));
}

const queries: string = JSON.parse(DASHBOARD).panels
  .flatMap(({ targets = [] }: { targets?: { expr: string }[] }) => targets.map(({ expr }) => expr)).join(
    "\n",
  );

Deno.test("alerts and dashboard name only metrics that there are, and the dashboard shows each of them", () => {
  const known = Object.values(METRICS).map(({ name }): string => name);
  // What follows "expr:" and is indented deeper; annotations may say what they like.
  const rules = [...RULES.matchAll(/expr: (?:\|\n((?: {10}.*\n)+)|(.*))/g)].map(([rule]) => rule).join("\n");
  assert.deepEqual([...metricsIn(rules)].filter((name) => !known.includes(name)), []);
  assert.ok(metricsIn(rules).size > 10, "no metric was found in the rules");
  assert.deepEqual([...metricsIn(queries)].sort(), known.sort());
});

Deno.test("each alert has a row in README's runbook, and links to it", () => {
  const rows = [...read("README.md").matchAll(/^\| <a id="(\w+)"><\/a>`(\w+)` \| .+ \| .+ \|$/gm)];
  assert.deepEqual(rows.map(([, , alert]) => alert).sort(), [...ALERTS].sort());
  for (const [, anchor, alert = ""] of rows) {
    assert.equal(anchor, alert.toLowerCase());
    assert.match(RULES, new RegExp(`- alert: ${alert}\\n[^]*?runbook: README\\.md#${anchor}\\n`));
  }
});

Deno.test("every panel of the dashboard says in words what it shows", () => {
  for (const { type, title, description = "" } of JSON.parse(DASHBOARD).panels) {
    if (type !== "row") assert.match(description, /^[A-Z0-9].{20,}\.$/, title);
  }
});

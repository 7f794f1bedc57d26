import assert from "node:assert/strict";
import { run } from "../support/guarded_process.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const SCHEMA = new URL("grafana_schema.ts", import.meta.url);
const text = await Deno.readTextFile(`${ROOT}deploy/grafana/dashboard.json`);

/** The part of a dashboard that is read here. */
interface Dashboard {
  readonly uid: string;
  readonly templating: { readonly list: readonly { readonly name: string }[] };
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly type: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
  }[];
}

const { uid, templating, panels }: Dashboard = JSON.parse(text);

/** Has the compiler judge dashboards by the types of Grafana's schema. Throws with what is wrong. */
async function judge(...dashboards: readonly string[]): Promise<void> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  const parts = dashboards.map((json, index) =>
    `export const dashboard${index}: GrafanaDashboard = ${json};`
  );
  await Deno.writeTextFile(
    file,
    [`import type { GrafanaDashboard } from "${SCHEMA}";`, ...parts].join("\n"),
  );
  try {
    const args = ["check", "--quiet", "--config", `${ROOT}deno.json`, file];
    await run(Deno.execPath(), args, { env: { NO_COLOR: "1" } });
  } finally {
    await Deno.remove(file);
  }
}

function repeated<Value>(values: readonly Value[]): readonly Value[] {
  return values.filter((value, index) => values.indexOf(value) !== index);
}

Deno.test("the dashboard is what Grafana's schema says: every field known and valid, none missing", async () => {
  await judge(text);
});

Deno.test("the schema finds each mistake in a dashboard", async () => {
  const mistakes = [
    ['"colorMode"', '"colourMode"', "colourMode"],
    ['"placement": "bottom"', '"placement": "below"', '"below"'],
    ['"graphTooltip": 1', '"graphTooltip": 7', "'7'"],
    ['"unit": "rowsps"', '"unit": "rows/s"', '"rows/s"'],
    ['"uid": "${datasource}"', '"uid": "prometheus"', '"prometheus"'],
    [/"description": "One line.*\n/, "", "Property 'description' is missing"],
    ['"refresh": 2', '"refreshes": 2', "refreshes"],
    ['"mergeValues": true', '"mergeValues": "yes"', "mergeValues"],
    ['"legendFormat"', '"legend"', "legend"],
  ] as const;
  const broken = mistakes.map(([right, wrong]) => text.replace(right, () => wrong));
  assert.ok(!broken.includes(text));
  await assert.rejects(judge(...broken), ({ message }: Error) => {
    const found = message.split(/^TS\d+ \[ERROR\]: /m).slice(1); // in the order of the file
    assert.equal(found.length, mistakes.length, message);
    for (const [index, [, , said]] of mistakes.entries()) {
      assert.ok(found[index]?.includes(said), `${said}: ${message}`);
    }
    return true;
  });
});

Deno.test("the dashboard's panels have their own numbers and places, and its queries their own letters", () => {
  assert.match(uid, /^[\w-]{1,40}$/);
  assert.deepEqual(repeated(panels.map(({ id }) => id)), []);
  assert.deepEqual(repeated(panels.map(({ title }) => title)), []);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) => {
    assert.ok(x >= 0 && w >= 1 && h >= 1 && x + w <= 24);
    return Array.from({ length: w * h }, (_, cell) => `${x + cell % w},${y + Math.floor(cell / w)}`);
  });
  assert.deepEqual(repeated(cells), []);
  const height = Math.max(...panels.map(({ gridPos: { y, h } }) => y + h));
  assert.equal(cells.length, 24 * height, "no gap either");
  for (const { title, type, targets = [] } of panels) {
    assert.deepEqual(repeated(targets.map(({ refId }) => refId)), [], title);
    assert.equal(targets.length > 0, type !== "row", title);
  }
});

Deno.test("the dashboard's queries use variables that it has, and Grafana's own", () => {
  const known = [...templating.list.map(({ name }) => name), "__rate_interval"];
  const used = [...text.matchAll(/\$\{?(\w+)/g)].map(([, name = ""]) => name).filter((name) =>
    name !== "__all"
  );
  assert.deepEqual([...new Set(used)].sort(), known.sort());
});

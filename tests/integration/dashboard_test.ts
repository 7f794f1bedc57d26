import assert from "node:assert/strict";
import { AgentRig } from "../support/agent_rig.ts";
import { until } from "../support/ports.ts";
import { Prometheus, prometheusIsToBeHad } from "../support/prometheus.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { say } from "../support/terminal.ts";

const DEPLOY = new URL("../../deploy/", import.meta.url);
const RULES = new URL("prometheus/alerts.yaml", DEPLOY).pathname;
const ignore = !await prometheusIsToBeHad("prometheus");

/** Every query of the dashboard with the name of its panel or variable, as Grafana would send it. */
function dashboardQueries(feed: string): ReadonlyMap<string, string> {
  const { panels, templating } = JSON.parse(Deno.readTextFileSync(new URL("grafana/dashboard.json", DEPLOY)));
  type Target = { readonly refId: string; readonly expr: string };
  const shown = panels.flatMap(({ title, targets = [] }: { title: string; targets?: readonly Target[] }) =>
    targets.map(({ refId, expr }) => [`${title} (${refId})`, expr])
  );
  const variables = templating.list.flatMap(({ name, definition }: { name: string; definition?: string }) => {
    const [, series, label] = /^label_values\((.+), (\w+)\)$/.exec(definition ?? "") ?? [];
    return series === undefined ? [] : [[`variable ${name}`, `count by (${label}) (${series})`]];
  });
  const filled = (query: string) =>
    query.replaceAll("$feed", feed).replaceAll("$instance", ".*").replaceAll("$__rate_interval", "5s");
  return new Map(
    [...shown, ...variables].map(([name, query]: [string, string]) => [name, filled(query)] as const),
  );
}

Deno.test({
  name: "every query of the dashboard has data, and every alert rule can be evaluated, on a feed that flows",
  ignore,
  async fn() {
    await using rig = await AgentRig.start();
    await rig.sql(
      `CREATE TABLE ${rig.name} (a INT PRIMARY KEY, b INT)`,
      `INSERT INTO ${rig.name} SELECT g, 0 FROM generate_series(1, 20) g`,
    );
    await using proxy = await TcpProxy.start(rig.rabbitmq.url);
    await using agent = await rig.agent({ env: { AMQP_ADDR: proxy.through(rig.rabbitmq.url) } });
    const { address } = await agent.said(({ message }) => message.includes("serves /metrics"));
    await using prometheus = await Prometheus.start(String(address), RULES);
    await agent.said(({ message }) => message === "Cursor stored");
    proxy.cut(); // a restart, so that there is a reason to show
    await agent.said(({ kind }) => kind === "BrokerUnreachable");

    const queries = dashboardQueries(rig.feed);
    assert.ok(queries.size > 35, `${queries.size} queries found`);
    const empty = new Set(queries.keys());
    let round = 0;
    await until(`data for every query`, 45_000, async () => {
      await rig.sql(`UPDATE ${rig.name} SET b = ${++round}`);
      for (const [name, query] of queries) {
        if (!empty.has(name)) continue;
        const samples = await prometheus.query(query);
        // Not a number: a quantile of nothing observed meanwhile.
        if (samples.some(({ value: [, value] }) => value !== "NaN")) empty.delete(name);
      }
      return empty.size === 0 || undefined;
    }).catch((error) => assert.fail(`${error.message}; none for: ${[...empty].join(", ")}`));

    const rules = await until("the rules' evaluation", 10_000, async () => {
      const health = await prometheus.rules();
      return [...health.values()].includes("unknown") ? undefined : health;
    });
    for (const [alert, health] of rules) assert.equal(health, "ok", alert);
    assert.ok(rules.size > 10, `${rules.size} rules found`);
    assert.deepEqual(await prometheus.query(`ALERTS{alertstate="firing"}`), []);
    assert.equal(await agent.stop(), 0);
    say(`Prometheus: ${queries.size} queries of the dashboard with data, ${rules.size} rules evaluated`);
  },
});

import assert from "node:assert/strict";
import { AgentRig } from "../support/agent_rig.ts";
import { Chromium, findChromium } from "../support/chromium.ts";
import { say } from "../support/terminal.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";

const path = await findChromium();

Deno.test({
  name:
    "the page of a real publisher follows the scan, changes, an outage of RabbitMQ and the recovery, without a reload",
  ignore: path === undefined,
  fn: async () => {
    await using rig = await AgentRig.start();
    const { name: table } = rig;
    await rig.sql(
      `CREATE TABLE ${table} (a INT PRIMARY KEY, b INT)`,
      `INSERT INTO ${table} SELECT g, 0 FROM generate_series(1, 10) g`,
    );
    await using proxy = await TcpProxy.start(rig.rabbitmq.url);
    await using agent = await rig.agent({ env: { AMQP_ADDR: proxy.through(rig.rabbitmq.url) } });
    const { address } = await agent.said(({ message }) => message.includes("serves /metrics"));
    await using browser = await Chromium.start(path!);
    await using page = await browser.open(`http://${address}/`);
    await page.evaluate("window.loaded = 1");

    await page.says("#state .title", "Publishing changes");
    await page.says("#totals", "Confirmed10 messages");
    await page.says("#totals", /Initial scan10 messages in .*, done at/);
    await rig.sql(`UPDATE ${table} SET b = 1`);
    await page.says("#totals", "Confirmed20 messages");
    await page.says("#tables", `${table}20`);
    await page.says("#cursor", /old/);
    await page.says("#connections", new RegExp(`connected to 127.0.0.1:${new URL(rig.cockroach.url).port}`));
    const { host } = new URL(proxy.through(rig.rabbitmq.url));
    await page.says("#connections", `connected to ${host}`);
    say("browser: the page followed the scan and the changes");

    proxy.refuse();
    proxy.cut();
    await page.says("#state .title", "Interrupted, trying again");
    await page.says("#state", /Cannot connect to RabbitMQ at .*What to do: check that RabbitMQ runs/);
    await page.says("#connections", "cannot be reached");
    await page.says("#failures", "BrokerUnreachable");
    await rig.sql(`UPDATE ${table} SET b = 2`);
    await proxy.accept();
    await page.says("#state .title", "Publishing changes");
    await page.says("#totals", "Confirmed30 messages");
    await page.says("#failures", "BrokerUnreachable");
    say("browser: the page followed the outage and the recovery");

    assert.equal(await page.evaluate("window.loaded"), 1);
    assert.deepEqual(page.complaints, []);
    assert.deepEqual([...page.origins], [`http://${address}`]);
    assert.equal(await agent.stop(), 0);
    await page.tab.getByRole("alert").waitFor();
  },
});

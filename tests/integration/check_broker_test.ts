import assert from "node:assert/strict";
import type { AgentRig } from "../support/agent_rig.ts";
import { until } from "../support/ports.ts";
import { CheckRig, shellWords } from "./check_rig.ts";
import { SECRET } from "./refusal.ts";

/** The rig's broker as another user, in another virtual host. */
function broker({ rabbitmq }: AgentRig, user: string, vhost = ""): string {
  const url = new URL(rabbitmq.url);
  url.username = user;
  url.password = SECRET;
  url.pathname = vhost;
  return url.href;
}

Deno.test("check names what RabbitMQ refuses, and the printed commands mend it, one after the other", async () => {
  await using rig = await CheckRig.start({}, { own: true });
  const { agents } = rig;
  const { rabbitmq } = agents;
  const node = `RabbitMQ ${new URL(rabbitmq.url).host}`;
  await rabbitmq.ctl("add_user", "publisher", "another");
  const env = { AMQP_ADDR: broker(agents, "publisher", "/orders.v1") };
  const args = [
    "--exchange",
    "amq.topic",
    "--on-unpublishable",
    "dead-letter",
    "--dead-letter-queue",
    "dead",
  ];

  const wrong = await rig.problems(args, env);
  assert.deepEqual([...wrong.keys()], [node]);
  assert.equal(wrong.get(node)?.fix, "rabbitmqctl change_password publisher '…'");
  await rig.mendBroker(wrong.get(node), SECRET);

  const nowhere = await rig.problems(args, env);
  assert.match(
    nowhere.get(node)?.fix ?? "",
    /^rabbitmqctl add_vhost orders\.v1; rabbitmqctl set_permissions /,
  );
  await rig.mendBroker(nowhere.get(node));
  await rig.allGood(args, env);

  await rabbitmq.ctl("set_permissions", "-p", "orders.v1", "publisher", "^$", "^$", "^$");
  const denied = await rig.problems(args, env);
  const refused = [`queue ${agents.name}`, "dead-letter queue dead", "publishing", "lock"];
  assert.deepEqual([...denied.keys()], refused);
  assert.equal(new Set([...denied.values()].map(({ fix }) => fix)).size, 1);
  await rig.mendBroker(denied.get("lock"));
  assert.match(await rig.allGood(args, env), /^✓ binding +the queue will be bound to the exchange by "#"$/m);
  assert.equal(await rabbitmq.ctl("list_queues", "-p", "orders.v1", "--quiet", "name"), "");

  await rabbitmq.ctl("set_vm_memory_high_watermark", "0.0000001");
  const alarmed = await until("the alarm", 20_000, async () => {
    const problems = await rig.problems(args, env);
    return problems.size > 0 ? problems : undefined;
  });
  assert.deepEqual([...alarmed.keys()], ["alarms"]);
  assert.match(alarmed.get("alarms")?.found ?? "", /low on memory/);
});

/** A full queue drops nothing. */
const REFUSING = ["--queue-argument", "x-overflow=reject-publish"];

Deno.test("check names every argument in which a queue differs; with the printed settings it is content", async () => {
  await using rig = await CheckRig.start();
  const { agents } = rig;
  await agents.withBroker(async (client) => {
    const channel = await client.channel();
    await channel.queueDeclare(agents.name, { durable: true }, { "x-queue-type": "classic" });
  });
  const asked = ["--queue-type", "quorum", "--queue-argument", "x-max-length=5", ...REFUSING];
  const problems = await rig.problems(asked);
  const { status, found, fix = "" } = problems.get(`queue ${agents.name}`)!;
  assert.deepEqual([problems.size, status], [1, "fail"]);
  assert.match(found, /x-queue-type is "classic".*x-max-length is not set/);
  const [, type = ""] = /--queue-type (\w+)/.exec(fix) ?? [];
  await rig.allGood(["--queue-type", type]);
  const [, command = ""] = /rabbitmqctl (delete_queue '[^']+')/.exec(fix) ?? [];
  const [, queue = ""] = shellWords(command);
  await agents.withBroker(async (client) => {
    await (await client.channel()).queueDelete(queue);
  });
  await rig.allGood(asked);
});

Deno.test("check names arguments that no queue may have, and an exchange that is missing, and declares nothing", async () => {
  await using rig = await CheckRig.start();
  const { agents } = rig;
  const queue = `queue ${agents.name}`;
  for (const type of ["quorum", "classic", "stream"]) {
    const args = ["--queue-type", type, "--queue-argument"];
    const problems = await rig.problems([...args, 'x-max-length="many"']);
    assert.match(problems.get(queue)?.found ?? "", /invalid arg 'x-max-length'/, type);
    assert.equal(problems.get(queue)?.fix, "correct --queue-argument or --queue-type");
    if (type !== "stream") await rig.allGood([...args, "x-max-length=5", ...REFUSING]);
  }
  const never = await rig.problems(["--declare", "never"]);
  assert.match(never.get(queue)?.fix ?? "", /--declare if-missing/);
  const exchange = await rig.problems(["--exchange", "no_such_exchange"]);
  assert.deepEqual([...exchange.keys()], ["exchange no_such_exchange"]);
  await agents.withBroker(async (client) => {
    const channel = await client.channel();
    await assert.rejects(channel.queueDeclare(agents.name, { passive: true }), /NOT_FOUND/);
  });
});

Deno.test("check names limits before the start, each with the command that raises it", async () => {
  await using rig = await CheckRig.start({}, { own: true });
  const { agents: { name, rabbitmq } } = rig;
  await rabbitmq.ctl("set_vhost_limits", "-p", "/", '{"max-queues": 0}');
  const queues = await rig.problems();
  assert.deepEqual([...queues.keys()], [`queue ${name}`, "lock"]);
  for (const { status, found, fix } of queues.values()) {
    assert.equal(status, "fail");
    assert.match(found, /queue limit in vhost '\/' \(0\) is reached/);
    assert.match(fix ?? "", /rabbitmqctl set_vhost_limits -p VHOST '\{"max-queues"/);
  }
  await rabbitmq.ctl("clear_vhost_limits", "-p", "/");

  // A feed needs one connection, and so must its check.
  await rabbitmq.ctl("set_vhost_limits", "-p", "/", '{"max-connections": 1}');
  await rig.allGood();
  await rabbitmq.ctl("set_vhost_limits", "-p", "/", '{"max-connections": 0}');
  const node = `RabbitMQ ${new URL(rabbitmq.url).host}`;
  const vhost = await rig.problems();
  assert.deepEqual([...vhost.keys()], [node]);
  assert.match(vhost.get(node)?.fix ?? "", /set_vhost_limits -p VHOST '\{"max-connections"/);
  await rabbitmq.ctl("clear_vhost_limits", "-p", "/");

  await rabbitmq.ctl("set_user_limits", "guest", '{"max-connections": 0}');
  assert.match((await rig.problems()).get(node)?.fix ?? "", /set_user_limits USER '\{"max-connections"/);
  await rabbitmq.ctl("clear_user_limits", "guest", "all");
  await rig.allGood();
});

Deno.test("check knows refusals that no permission mends: an internal exchange, and none of RabbitMQ's own", async () => {
  await using rig = await CheckRig.start();
  const exchange = `${rig.agents.name}-internal`;
  await rig.agents.withBroker(async (client) => {
    const channel = await client.channel();
    await channel.exchangeDeclare(exchange, "topic", { internal: true, durable: true, autoDelete: false });
  });
  const internal = (await rig.problems(["--exchange", exchange, "--declare", "never"])).get("publishing");
  assert.match(internal?.found ?? "", /cannot publish to internal exchange/);
  assert.match(internal?.fix ?? "", /^the exchange is internal/);
  const own = (await rig.problems(["--exchange", "amq.nothing"])).get("exchange amq.nothing");
  assert.match(own?.fix ?? "", /RabbitMQ's own/);
  await rig.agents.withBroker(async (client) => {
    await (await client.channel()).exchangeDelete(exchange);
  });
});

Deno.test("check warns of a queue that drops what was confirmed, and the printed policy makes it refuse", async () => {
  await using rig = await CheckRig.start({}, { own: true });
  const { agents } = rig;
  const queue = `queue ${agents.name}`;
  const declared = await rig.problems(["--queue-argument", "x-max-length=2"]);
  assert.deepEqual([...declared.keys()], ["settings"]);
  await agents.withBroker(async (client) => {
    const channel = await client.channel();
    await channel.queueDeclare(agents.name, { durable: true }, {
      "x-max-length": 2,
      "x-message-ttl": 60_000,
    });
  });
  const { status, found, fix } = (await rig.problems()).get(queue)!;
  assert.equal(status, "warn");
  assert.match(found, /confirmed messages are lost: x-max-length without .*; x-message-ttl: /);
  assert.match(fix ?? "", /rabbitmqctl set_policy .*reject-publish/);
  await rig.mendBroker({ check: queue, status, found, fix: fix ?? "" });
  await agents.withBroker(async (client) => {
    const channel = await client.channel();
    await channel.confirmSelect();
    const published = [1, 2, 3].map((n) => channel.basicPublish("", agents.name, String(n)));
    const refused = (await Promise.allSettled(published)).filter(({ status }) => status === "rejected");
    assert.equal(refused.length, 1);
  });
});

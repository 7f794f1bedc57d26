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

Deno.test("check names every argument in which a queue differs; with the printed settings it is content", async () => {
  await using rig = await CheckRig.start();
  const { agents } = rig;
  await agents.withBroker(async (client) => {
    const channel = await client.channel();
    await channel.queueDeclare(agents.name, { durable: true }, { "x-queue-type": "classic" });
  });
  const asked = ["--queue-type", "quorum", "--queue-argument", "x-max-length=5"];
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
    if (type !== "stream") await rig.allGood([...args, "x-max-length=5"]);
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

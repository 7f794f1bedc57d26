import assert from "node:assert/strict";
import type { AMQPMessage } from "@cloudamqp/amqp-client";
import { findProgram } from "../../support/guarded_process.ts";
import { until } from "../../support/ports.ts";
import { say } from "../../support/terminal.ts";
import { type Recipe, RecipeRig, RECIPES } from "./recipe_rig.ts";

const ignore = await findProgram("python3") === undefined;
if (ignore) say("recipes: no python3 here, which rabbitmqadmin needs: README's recipes are not tested");

let rig: RecipeRig;
Deno.test.beforeAll(async () => {
  if (!ignore) rig = await RecipeRig.start();
});
Deno.test.afterAll(() => rig?.stop());

const followed = new Set<string>();

/** Tests the recipe of README with this title; the tables hold these ids before the agent starts. */
function recipeTest(
  title: string,
  rows: { readonly orders: readonly number[]; readonly customers?: readonly number[] },
  test: (recipe: Recipe) => Promise<void>,
) {
  followed.add(title);
  Deno.test({
    name: `recipe: ${title}`,
    ignore,
    fn: async () => {
      const script = RECIPES.get(title);
      assert.ok(script, "README.md has no such recipe");
      await using recipe = await rig.follow(script, rows.orders, rows.customers);
      await test(recipe);
      assert.equal(await recipe.agent.stop(), 0);
    },
  });
}

const BOTH = { orders: [1, 2], customers: [7] };

/** `orders[1]` of each message, sorted, with its routing key where that is asked for. */
function rowsOf(messages: readonly AMQPMessage[], withKey = false): string[] {
  return messages.map((message) => {
    const { table, key } = JSON.parse(message.bodyString() ?? "");
    return `${table}${key}${withKey ? ` by ${message.routingKey}` : ""}`;
  }).sort();
}

const versionOf = (message: AMQPMessage): number =>
  JSON.parse(message.bodyString() ?? "").value.after.version;

recipeTest("One queue per table", BOTH, async (recipe) => {
  await recipe.confirmed(3);
  await rig.sql("UPDATE customers SET version = 1 WHERE id = 7");
  await recipe.confirmed(4);
  assert.deepEqual(rowsOf(await recipe.drain("orders"), true), [
    "orders[1] by orders.read",
    "orders[2] by orders.read",
  ]);
  assert.deepEqual(rowsOf(await recipe.drain("customers"), true), [
    "customers[7] by customers.read",
    "customers[7] by customers.upsert",
  ]);
});

recipeTest("A direct exchange, and a queue that the agent declares and binds", BOTH, async (recipe) => {
  await recipe.confirmed(3);
  assert.deepEqual(rowsOf(await recipe.drain("billing"), true), [
    "customers[7] by customers",
    "orders[1] by orders",
    "orders[2] by orders",
  ]);
});

recipeTest("A fanout exchange: every queue gets everything", BOTH, async (recipe) => {
  await recipe.confirmed(3);
  const everything = ["customers[7]", "orders[1]", "orders[2]"];
  for (const queue of ["search", "audit"]) {
    assert.deepEqual(rowsOf(await recipe.drain(queue)), everything, queue);
  }
});

recipeTest("A headers exchange", BOTH, async (recipe) => {
  await recipe.confirmed(3);
  assert.deepEqual(rowsOf(await recipe.drain("orders")), ["orders[1]", "orders[2]"]);
  assert.deepEqual(rowsOf(await recipe.drain("everything")), ["customers[7]", "orders[1]", "orders[2]"]);
});

const KEYS = Array.from({ length: 40 }, (_, id) => id);
const PARTITIONS = [0, 1, 2, 3].map((number) => `orders.${number}`);

recipeTest(
  "Partitions by key hash, one active consumer each (rabbitmq-plugins enable rabbitmq_consistent_hash_exchange)",
  { orders: KEYS },
  async (recipe) => {
    const consumers = async () => await Promise.all(PARTITIONS.map((queue) => recipe.consume(queue)));
    const [active, waiting] = [await consumers(), await consumers()];
    const arrived = (lists: typeof active) => lists.flatMap(({ messages }) => messages);
    const update = async (versions: readonly number[]) => {
      for (const version of versions) await rig.sql(`UPDATE orders SET version = ${version}`);
    };
    await recipe.confirmed(KEYS.length);
    await update([1, 2]);
    await until("three versions", 30_000, () => arrived(active).length >= 3 * KEYS.length || undefined);
    assert.equal(arrived(waiting).length, 0, "a second consumer was active");
    for (const consumer of active) await consumer.cancel();
    await update([3, 4]);
    await until("two more", 30_000, () => arrived(waiting).length >= 2 * KEYS.length || undefined);
    const partitions = PARTITIONS.map((_, number) =>
      Map.groupBy(
        [...active[number]!.messages, ...waiting[number]!.messages],
        (message) => rowsOf([message]).join(),
      )
    );
    for (const partition of partitions) {
      assert.ok(partition.size > 0, "a partition without a key");
      for (const [key, messages] of partition) {
        assert.deepEqual(messages.map(versionOf), [0, 1, 2, 3, 4], key);
      }
    }
    assert.equal(partitions.reduce((sum, { size }) => sum + size, 0), KEYS.length);
  },
);

recipeTest(
  "An alternate exchange for what no queue takes; without it the agent stops with Unroutable",
  BOTH,
  async (recipe) => {
    await recipe.confirmed(3);
    assert.deepEqual(rowsOf(await recipe.drain("orders")), ["orders[1]", "orders[2]"]);
    assert.deepEqual(rowsOf(await recipe.drain("unrouted")), ["customers[7]"]);
  },
);

recipeTest("A quorum queue with a delivery limit and dead letters", { orders: [1, 2] }, async (recipe) => {
  const channel = await recipe.channel();
  const deliveries: string[] = [];
  await recipe.confirmed(2);
  await channel.basicConsume("orders", { noAck: false }, async (message) => {
    const [row = ""] = rowsOf([message]);
    deliveries.push(row);
    await (row === "orders[1]" ? message.nack(true) : message.ack()); // a message that its consumer cannot take
  });
  const [letter] = await until("a dead letter", 20_000, async () => {
    const letters = await recipe.drain("orders.dead");
    return letters.length > 0 ? letters : undefined;
  });
  assert.equal(deliveries.filter((row) => row === "orders[1]").length, 4);
  assert.equal(deliveries.filter((row) => row === "orders[2]").length, 1);
  assert.deepEqual(letter && rowsOf([letter]), ["orders[1]"]);
  const [death] = letter?.properties.headers?.["x-death"] as unknown as Record<string, unknown>[];
  assert.deepEqual([death?.["reason"], death?.["queue"]], ["delivery_limit", "orders"]);
});

recipeTest(
  "A stream, kept for a week: consume with a prefetch and x-stream-offset (first, last, a number, a time)",
  { orders: [1] },
  async (recipe) => {
    await recipe.confirmed(1);
    for (const version of [1, 2, 3, 4]) await rig.sql(`UPDATE orders SET version = ${version}`);
    await recipe.confirmed(5);
    for (
      const [offset, versions] of [["first", [0, 1, 2, 3, 4]], [2, [2, 3, 4]], ["first", [
        0,
        1,
        2,
        3,
        4,
      ]]] as const
    ) {
      const { messages, cancel } = await recipe.consume("orders", { args: { "x-stream-offset": offset } });
      await until("the stream", 20_000, () => messages.length >= versions.length || undefined);
      await cancel();
      assert.deepEqual(messages.map(versionOf), versions);
    }
  },
);

recipeTest(
  "Repeats kept out of the queue by the plugin rabbitmq-message-deduplication",
  { orders: [1, 2] },
  async (recipe) => {
    await recipe.confirmed(2);
    const messages = await recipe.drain("orders");
    assert.deepEqual(rowsOf(messages), ["orders[1]", "orders[2]"]);
    for (const { properties: { messageId, headers } } of messages) {
      assert.match(messageId ?? "", /^\d{19}/);
      assert.equal(headers?.["x-deduplication-header"], messageId);
    }
  },
);

Deno.test("every recipe of README.md is followed by a test", () => {
  assert.deepEqual([...RECIPES.keys()], [...followed]);
});

import assert from "node:assert/strict";
import { AgentRig } from "../support/agent_rig.ts";
import { GuardedProcess, run } from "../support/guarded_process.ts";
import { until } from "../support/ports.ts";
import { say } from "../support/terminal.ts";

const EXAMPLES = new URL("../../examples/", import.meta.url).pathname;
const KEYS = 40;
/** Versions that each row gets before the agent is killed, and when it runs again. */
const BEFORE = [1, 2, 3], AFTER = [4, 5];
const VERSIONS = [0, ...BEFORE, ...AFTER];

/** One of README's consumers. */
interface Consumer {
  /** Says whether this machine can run it. */
  readonly needs: readonly string[];
  /** Builds it, in this folder where that takes one, and says how to run it. */
  readonly prepare: (folder: string) => Promise<[command: string, ...args: string[]]>;
}

const CONSUMERS: Readonly<Record<string, Consumer>> = {
  TypeScript: {
    needs: [Deno.execPath(), "--version"],
    prepare: () => Promise.resolve([Deno.execPath(), "run", "--quiet", "-A", `${EXAMPLES}consumer.ts`]),
  },
  Python: {
    needs: ["python3", "-m", "pip", "--version"],
    prepare: async (folder) => {
      await run("python3", ["-m", "pip", "install", "--quiet", "--target", folder, "pika==1.4.4"]);
      return ["env", `PYTHONPATH=${folder}`, "python3", `${EXAMPLES}consumer.py`];
    },
  },
  Go: {
    needs: ["go", "version"],
    prepare: async (folder) => {
      await run("go", ["build", "-o", folder, "."], { cwd: `${EXAMPLES}consumer-go`, timeout: 180_000 });
      return [`${folder}/consumer`];
    },
  },
};

/** Messages that no agent of this test sends, by their times: numbers that texts would compare otherwise, and none. */
const SPECIAL: readonly (readonly [time: string | undefined, row: number, version: number])[] = [
  ["999999999999999999", -1, 1],
  ["1795327222747839112", -1, 2],
  ["1795327222747839112.9", -1, 3],
  ["1795327222747839112.10", -1, 4],
  ["1795327222747839112.9", -1, 3],
  ["1795327222747839112", -1, 2],
  [undefined, -2, 1],
  [undefined, -2, 2],
];
const END = "the last message";

let rig: AgentRig;
/** Identities of all messages that the agents sent, in their order in every queue. */
let sent: (string | undefined)[];
const queueOf = (language: string) => `${rig.name}-${language}`;

Deno.test.beforeAll(async () => {
  rig = await AgentRig.start();
  const rows = Array.from({ length: KEYS }, (_, id) => `(${id}, 0)`).join(", ");
  await rig.sql(
    `CREATE TABLE ${rig.name} (id INT PRIMARY KEY, version INT)`,
    `INSERT INTO ${rig.name} VALUES ${rows}`,
  );
  await using witness = await rig.reader();
  await rig.withBroker(async (client) => {
    const channel = await client.channel();
    await channel.exchangeDeclare(rig.name, "fanout", { durable: true });
    await channel.queueBind(rig.name, rig.name, "");
    for (const language of Object.keys(CONSUMERS)) {
      await channel.queueDeclare(queueOf(language), { durable: true });
      await channel.queueBind(queueOf(language), rig.name, "");
    }
  });
  const identities = () => witness.messages.map(({ properties }) => properties.messageId);
  await publishWithRepeats(async (count) => {
    await until(`${count} changes`, 30_000, () => new Set(identities()).size >= count || undefined);
  });
  sent = identities();
  await rig.withBroker(async (client) => {
    const channel = await client.channel();
    for (const [time, id, version] of SPECIAL) {
      const body = `{"value":{"after":${JSON.stringify({ id, version })}}}`;
      const messageId = time === undefined ? {} : { messageId: `${time}-AB-D_EFGHIJKLMNO` };
      await channel.basicPublish(rig.name, "", body, messageId);
    }
    await channel.basicPublish(rig.name, "", JSON.stringify({ [END]: true }));
  });
});

Deno.test.afterAll(async () => {
  await rig.withBroker(async (client) => {
    const channel = await client.channel();
    for (const language of Object.keys(CONSUMERS)) await channel.queueDelete(queueOf(language));
    await channel.exchangeDelete(rig.name);
  });
  await rig[Symbol.asyncDispose]();
});

/** An agent is killed before it asks for another cursor than the scan's, and the next one sends all since then again. */
async function publishWithRepeats(arrived: (changes: number) => Promise<void>): Promise<void> {
  const update = async (versions: readonly number[]) => {
    for (const version of versions) await rig.sql(`UPDATE ${rig.name} SET version = ${version}`);
  };
  const env = { AMQP_QUEUE: "" };
  const args = ["--exchange", rig.name, "--cursor-frequency"];
  {
    await using agent = await rig.agent({ env, args: [...args, "10s"] });
    await agent.said(({ message }) => message === "The initial scan is confirmed");
    await update(BEFORE);
    await arrived(KEYS * (1 + BEFORE.length));
    agent.signal("SIGKILL");
    await agent.exit;
  }
  await using agent = await rig.agent({ env, args: [...args, "500ms"] });
  await agent.reaches("rabbitmq_messages_sent", KEYS * BEFORE.length);
  await update(AFTER);
  await arrived(KEYS * VERSIONS.length);
  assert.equal(await agent.stop(), 0);
}

for (const [language, { needs: [command = "", ...args], prepare }] of Object.entries(CONSUMERS)) {
  const able = await run(command, args).then(() => true, () => false);
  if (!able) {
    say(`consumers: no \`${command} ${args.join(" ")}\` here: the consumer in ${language} is not tested`);
  }
  Deno.test({
    name: `the consumer in ${language} applies every change once, in order, out of a queue with repeats`,
    ignore: !able,
    fn: async () => {
      const changes = KEYS * VERSIONS.length;
      assert.equal(new Set(sent).size, changes);
      assert.ok(
        sent.length >= changes + KEYS * BEFORE.length,
        `${sent.length - changes} repeats in the queue`,
      );
      const applied = await consume(language, prepare);
      const versions = Map.groupBy(applied, ({ id }) => id);
      for (let id = 0; id < KEYS; id++) {
        assert.deepEqual(versions.get(id)?.map(({ version }) => version), VERSIONS, `row ${id}`);
      }
      assert.deepEqual(versions.get(-1)?.map(({ version }) => version), [1, 2, 3, 4], "times are numbers");
      assert.deepEqual(versions.get(-2)?.map(({ version }) => version), [1, 2], "without a time");
      assert.equal(applied.length, changes + 4 + 2);
    },
  });
}

/**
 * Runs the consumer until it has seen everything, and gives what it applied. One that did not acknowledge would never get
 * there: the queue holds several times its prefetch.
 */
async function consume(
  language: string,
  prepare: Consumer["prepare"],
): Promise<{ id: number; version: number }[]> {
  const folder = await Deno.makeTempDir({ prefix: "consumer-" });
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => Deno.remove(folder, { recursive: true }));
  const [command, ...args] = await prepare(folder);
  const log = `${folder}/printed`;
  const env = { ...Deno.env.toObject(), AMQP_ADDR: rig.rabbitmq.url, AMQP_QUEUE: queueOf(language) };
  const process = await GuardedProcess.start({ command, args, env, log });
  cleanup.defer(() => process.kill());
  const printed = async () => (await Deno.readTextFile(log)).split("\n").slice(0, -1);
  await until(
    `the end of what ${language} reads`,
    30_000,
    async () => (await printed()).at(-1)?.includes(END) || undefined,
  )
    .catch(async (error) => {
      throw new Error(`${error.message}; it printed:\n${(await printed()).slice(-10).join("\n")}`);
    });
  await process.stop();
  return (await printed()).slice(0, -1).map((line) => JSON.parse(line).value.after);
}

import assert from "node:assert/strict";
import type { AgentError } from "../../../src/errors.ts";
import { ensureTopology, explainReturn, type TopologyOptions } from "../../../src/rabbitmq/topology.ts";

const NO_QUEUE = "channel 1 closed: NOT_FOUND - no queue 'q' in vhost '/' (404)";
const HOME_NODE_DOWN =
  "channel 1 closed: NOT_FOUND - home node 'rabbit@b' of durable queue 'q' in vhost '/' is down or inaccessible (404)";
const BAD_KEY = 'channel 1 closed: PRECONDITION_FAILED - The binding key must be an integer: <<"#">> (406)';
const NO_READ =
  "channel 1 closed: ACCESS_REFUSED - access to exchange 'x' in vhost '/' refused for user 'u' (403)";
const OPTIONS: TopologyOptions = {
  queue: "q",
  declare: "if-missing",
  queueType: "quorum",
  queueTypeGiven: false,
  queueArguments: {},
  bindingKeys: ["a.#", "b"],
};

/** A broker that answers each declaration as scripted, and keeps what it was asked. */
function scripted(...answers: ("ok" | string)[]) {
  const asked: string[] = [];
  const answer = (question: string) => {
    asked.push(question);
    const text = answers.shift() ?? "ok";
    return text === "ok" ? Promise.resolve() : Promise.reject(new Error(text));
  };
  const channel = {
    queueDeclare: (
      name: string,
      { passive, durable }: { passive?: boolean; durable?: boolean },
      args: object = {},
    ) => answer(passive ? `find queue ${name}` : `declare ${durable} ${name} ${JSON.stringify(args)}`),
    exchangeDeclare: (name: string, _: string, { passive }: { passive: boolean }) =>
      answer(`${passive ? "find" : "declare"} exchange ${name}`),
    queueBind: (queue: string, exchange: string, key: string) =>
      answer(`bind ${queue} to ${exchange} by ${key}`),
    close: () => Promise.resolve(),
  };
  return { asked, channel: () => Promise.resolve(channel) };
}

const WITH_ARGUMENTS = { ...OPTIONS, queueArguments: { "x-max-length": 5 } };

Deno.test("ensureTopology() declares nothing when the queue exists", async () => {
  const broker = scripted("ok");
  await ensureTopology(broker, OPTIONS);
  assert.deepEqual(broker.asked, ["find queue q"]);
});

Deno.test("ensureTopology() declares a missing queue, durable", async () => {
  const broker = scripted(NO_QUEUE, "ok");
  await ensureTopology(broker, WITH_ARGUMENTS);
  assert.deepEqual(broker.asked, [
    "find queue q",
    'declare true q {"x-queue-type":"quorum","x-max-length":5}',
  ]);
});

Deno.test("ensureTopology() does not declare a queue whose home node is down", async () => {
  const broker = scripted(HOME_NODE_DOWN);
  await assert.rejects(ensureTopology(broker, OPTIONS), { kind: "BrokerUnreachable" });
  assert.deepEqual(broker.asked, ["find queue q"]);
});

Deno.test("ensureTopology() compares an existing queue only with what the operator asked for", async () => {
  const asked = async (options: Partial<TopologyOptions>) => {
    const broker = scripted("ok");
    await ensureTopology(broker, { ...OPTIONS, ...options });
    return broker.asked.slice(1);
  };
  assert.deepEqual(await asked({ queueArguments: { "x-max-length": 5 } }), [
    'declare true q {"x-max-length":5}',
  ]);
  assert.deepEqual(await asked({ queueTypeGiven: true }), ['declare true q {"x-queue-type":"quorum"}']);
});

Deno.test("ensureTopology() compares the dead-letter queue with nothing", async () => {
  const broker = scripted("ok", NO_QUEUE);
  await ensureTopology(broker, { ...WITH_ARGUMENTS, queueTypeGiven: true, deadLetterQueue: "dead" });
  assert.deepEqual(broker.asked.slice(0, 2), ["find queue dead", "find queue q"]);
});

Deno.test("ensureTopology() asks for nothing but the exchange when there is one", async () => {
  const { queue: _, ...options } = OPTIONS;
  const broker = scripted("ok");
  await ensureTopology(broker, { ...options, exchange: "x" });
  assert.deepEqual(broker.asked, ["find exchange x"]);
});

Deno.test("ensureTopology() binds the queue to the exchange when both are given", async () => {
  const broker = scripted("ok", NO_QUEUE);
  await ensureTopology(broker, { ...OPTIONS, exchange: "x" });
  assert.deepEqual(broker.asked, [
    "find exchange x",
    "find queue q",
    'declare true q {"x-queue-type":"quorum"}',
    "bind q to x by a.#",
    "bind q to x by b",
  ]);
});

Deno.test("ensureTopology() binds nothing when nothing may be declared", async () => {
  const broker = scripted("ok", "ok");
  await ensureTopology(broker, { ...OPTIONS, exchange: "x", declare: "never" });
  assert.deepEqual(broker.asked, ["find exchange x", "find queue q"]);
});

for (
  const [answer, kind, hint] of [
    [BAD_KEY, "TopologyMismatch", /consistent-hash exchange/],
    [NO_READ, "BrokerDenied", /read on the exchange/],
  ] as const
) {
  Deno.test(`ensureTopology() answered with "${answer.slice(18, 60)}" to a binding is ${kind}`, async () => {
    const refused = ensureTopology(scripted("ok", "ok", answer), { ...OPTIONS, exchange: "x" });
    await assert.rejects(refused, {
      kind,
      message: /bind queue "q" to exchange "x" by --binding-key "a.#"/,
      hint,
    });
  });
}

for (
  const [answer, exchange, kind, message] of [
    [NO_QUEUE, "", "Unroutable", /no queue 'q'/],
    [HOME_NODE_DOWN, "", "BrokerUnreachable", /home node/],
    ["ok", "", "BrokerUnreachable", /queue "q" exists/],
    ["ok", "x", "Unroutable", /No queue is bound to exchange "x"/],
    [
      "channel 1 closed: NOT_FOUND - no exchange 'x' in vhost '/' (404)",
      "x",
      "Unroutable",
      /no exchange 'x'/,
    ],
    ["Socket closed", "", "BrokerUnreachable", /Socket closed/],
  ] as const
) {
  Deno.test(`explainReturn() from "${exchange}" answered with "${answer.slice(0, 60)}" is ${kind}`, async () => {
    const error: AgentError = await explainReturn(scripted(answer), exchange, "q");
    assert.equal(error.kind, kind);
    assert.match(error.message, message);
  });
}

Deno.test("explainReturn() never rejects", async () => {
  const broken = { channel: () => Promise.reject(new Error("Connection closed")) };
  assert.equal((await explainReturn(broken, "", "q")).kind, "BrokerUnreachable");
});

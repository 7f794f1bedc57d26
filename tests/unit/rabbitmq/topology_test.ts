import assert from "node:assert/strict";
import type { AgentError } from "../../../src/errors.ts";
import { ensureTopology, explainReturn, type TopologyOptions } from "../../../src/rabbitmq/topology.ts";

const NO_QUEUE = "channel 1 closed: NOT_FOUND - no queue 'q' in vhost '/' (404)";
const HOME_NODE_DOWN =
  "channel 1 closed: NOT_FOUND - home node 'rabbit@b' of durable queue 'q' in vhost '/' is down or inaccessible (404)";
const NOT_DURABLE =
  "channel 1 closed: PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/': received 'true' but current is 'false' (406)";
const OPTIONS: TopologyOptions = {
  queue: "q",
  declare: "if-missing",
  queueType: "quorum",
  queueArguments: { "x-max-length": 5 },
  explicitArguments: false,
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
      args: Record<string, unknown> = {},
    ) => answer(passive ? `find queue ${name}` : `declare ${durable} ${name} ${JSON.stringify(args)}`),
    exchangeDeclare: (name: string, _: string, { passive }: { passive: boolean }) =>
      answer(`${passive ? "find" : "declare"} exchange ${name}`),
    close: () => Promise.resolve(),
  };
  return { asked, channel: () => Promise.resolve(channel) };
}

const DECLARED = '{"x-queue-type":"quorum","x-max-length":5}';

Deno.test("ensureTopology() declares nothing when the queue exists", async () => {
  const broker = scripted("ok");
  await ensureTopology(broker, OPTIONS);
  assert.deepEqual(broker.asked, ["find queue q"]);
});

Deno.test("ensureTopology() declares a missing queue, durable", async () => {
  const broker = scripted(NO_QUEUE, "ok");
  await ensureTopology(broker, OPTIONS);
  assert.deepEqual(broker.asked, ["find queue q", `declare true q ${DECLARED}`]);
});

Deno.test("ensureTopology() does not declare a queue whose home node is down", async () => {
  const broker = scripted(HOME_NODE_DOWN);
  await assert.rejects(ensureTopology(broker, OPTIONS), { kind: "BrokerUnreachable" });
  assert.deepEqual(broker.asked, ["find queue q"]);
});

Deno.test("ensureTopology() compares an existing queue only with what the operator asked for", async () => {
  const broker = scripted("ok", NOT_DURABLE, "ok");
  await ensureTopology(broker, { ...OPTIONS, explicitArguments: true });
  assert.deepEqual(broker.asked, [
    "find queue q",
    `declare true q ${DECLARED}`,
    `declare false q ${DECLARED}`,
  ]);
});

Deno.test("ensureTopology() asks for nothing but the exchange when there is one", async () => {
  const broker = scripted("ok");
  await ensureTopology(broker, { ...OPTIONS, exchange: "x" });
  assert.deepEqual(broker.asked, ["find exchange x"]);
});

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

import assert from "node:assert/strict";
import {
  compareQueue,
  type Declaration,
  type QueueArgument,
} from "../../../src/rabbitmq/queue_comparison.ts";
import type { AgentError } from "../../../src/errors.ts";

type Properties = Pick<Declaration, "durable" | "autoDelete">;

const TYPES = { string: "longstr", number: "signedint", boolean: "bool" } as Record<string, string>;

/** A queue that refuses what differs in RabbitMQ's words, the first argument in the order of their names. */
function queueWith(args: Record<string, QueueArgument>, properties: Partial<Properties> = {}) {
  const present = { durable: true, autoDelete: false, ...properties };
  const asked: Declaration[] = [];
  const refuse = (name: string, received: string, current: string) => {
    const text =
      `inequivalent arg '${name}' for queue 'q' in vhost '/': received ${received} but current is ${current}`;
    return Promise.reject(new Error(`channel 1 closed: PRECONDITION_FAILED - ${text} (406)`));
  };
  const declare = (declaration: Declaration): Promise<void> => {
    asked.push(declaration);
    const { durable, autoDelete } = declaration;
    if (durable !== present.durable) return refuse("durable", `'${durable}'`, `'${present.durable}'`);
    if (autoDelete !== present.autoDelete) {
      return refuse("auto_delete", `'${autoDelete}'`, `'${present.autoDelete}'`);
    }
    for (const name of [...new Set([...Object.keys(args), ...Object.keys(declaration.args)])].sort()) {
      const received = declaration.args[name], current = args[name];
      if (received === current) continue;
      const text = (value: QueueArgument | undefined) =>
        value === undefined ? "none" : `the value '${value}' of type '${TYPES[typeof value]}'`;
      if (received === undefined || current === undefined) return refuse(name, text(received), text(current));
      return refuse(name, `'${received}'`, `'${current}'`);
    }
    return Promise.resolve();
  };
  return { asked, declare };
}

async function mismatchOf(
  asked: Record<string, QueueArgument>,
  declare: (declaration: Declaration) => Promise<void>,
) {
  return await compareQueue("q", asked, declare).then(
    () => assert.fail("no difference found"),
    (error: AgentError) => error,
  );
}

Deno.test("compareQueue() takes what has more than was asked for, and what is neither durable nor kept", async () => {
  const args = { "x-queue-type": "quorum", "x-max-length": 5, "x-single-active-consumer": true };
  for (const asked of [{ "x-max-length": 5 }, { "x-queue-type": "quorum" }, args]) {
    await compareQueue("q", asked, queueWith(args).declare);
    await compareQueue("q", asked, queueWith(args, { durable: false, autoDelete: true }).declare);
  }
});

Deno.test("compareQueue() names every argument that differs, with what the queue has", async () => {
  const { declare } = queueWith({ "x-expires": 60, "x-max-age": "7D", "x-max-length": 5 }, {
    durable: false,
  });
  const asked = { "x-queue-type": "stream", "x-max-age": "8D", "x-max-length": 5, "x-overflow": "drop-head" };
  const error = await mismatchOf(asked, declare);
  assert.equal(error.kind, "TopologyMismatch");
  assert.equal(
    error.message,
    'Queue "q" is not what the settings ask for: x-queue-type is "classic", --queue-type asks for "stream"; ' +
      'x-max-age is "7D", --queue-argument asks for "8D"; ' +
      'x-overflow is not set, --queue-argument asks for "drop-head"',
  );
  assert.match(
    error.hint,
    /: --queue-type classic, --queue-argument 'x-max-age="7D"', no --queue-argument x-overflow; or delete/,
  );
});

for (const [present, asked] of [[5, "5"], ["5", 5], [true, "true"], ["true", true]] as const) {
  Deno.test(`compareQueue() tells ${typeof present} ${present} from ${typeof asked} ${asked}`, async () => {
    const error = await mismatchOf({ a: asked }, queueWith({ a: present }).declare);
    const shown = (value: QueueArgument) => JSON.stringify(value);
    assert.match(
      error.message,
      new RegExp(`: a is ${shown(present)}, --queue-argument asks for ${shown(asked)}$`),
    );
  });
}

Deno.test("compareQueue() reports what it knows when the broker's answers lead no further", async () => {
  const refusal = (name: string) =>
    new Error(`inequivalent arg '${name}' for queue 'q' in vhost '/': received '1' but current is '2' (406)`);
  const answers = [refusal("a"), refusal("b"), refusal("a")];
  const error = await mismatchOf({ a: 1, b: 1 }, () => Promise.reject(answers.shift()));
  assert.match(error.message, /: a is 2, .* asks for 1; b is 2, .* asks for 1$/);
});

Deno.test("compareQueue() passes on any other refusal", async () => {
  for (
    const text of ["RESOURCE_LOCKED (405)", "inequivalent arg 'x-max-length' for queue 'a long na (406)"]
  ) {
    const refused = compareQueue("q", { a: 1 }, () => Promise.reject(new Error(text)));
    await assert.rejects(refused, { message: text });
  }
});

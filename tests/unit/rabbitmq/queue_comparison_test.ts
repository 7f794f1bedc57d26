import assert from "node:assert/strict";
import {
  compareQueue,
  type Declaration,
  type QueueArgument,
} from "../../../src/rabbitmq/queue_comparison.ts";
import type { AgentError } from "../../../src/errors.ts";

type Properties = Pick<Declaration, "durable" | "autoDelete">;

const TYPES = { string: "longstr", number: "signedint", boolean: "bool" } as Record<string, string>;

/**
 * A queue that refuses what differs in RabbitMQ's words, the first argument in the order of their names.
 *
 * @param defaultType what a declaration without a type is compared with, as by RabbitMQ 4
 */
function queueWith(
  args: Record<string, QueueArgument>,
  properties: Partial<Properties> = {},
  defaultType?: string,
) {
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
      const fallback = name === "x-queue-type" ? defaultType : undefined;
      const received = declaration.args[name] ?? fallback, current = args[name] ?? fallback;
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

Deno.test("compareQueue() asks RabbitMQ 4, which says nothing of types, for the type that the queue has", async () => {
  const args = { "x-queue-type": "quorum", "x-max-length": 5, "x-delivery-limit": 3 };
  const { asked, declare } = queueWith(args, {}, "classic");
  await compareQueue("q", { "x-delivery-limit": 3 }, declare);
  assert.deepEqual(asked.at(-1)?.args, args);
  const { message } = await mismatchOf({ "x-delivery-limit": 4 }, declare);
  assert.match(message, /: x-delivery-limit is 3, --queue-argument asks for 4$/);
});

for (const [type, isGiven] of [["quorum", true], ["classic", false]] as const) {
  Deno.test(`compareQueue() tells a ${type} queue of RabbitMQ 4 from the type asked for`, async () => {
    const { declare } = queueWith(isGiven ? { "x-queue-type": type } : {}, {}, "classic");
    const { message, hint } = await mismatchOf({ "x-queue-type": "stream" }, declare);
    assert.match(message, new RegExp(`: x-queue-type is "${type}", --queue-type asks for "stream"$`));
    assert.match(hint, new RegExp(`: --queue-type ${type}; or delete`));
  });
}

Deno.test("compareQueue() takes a difference that the broker's text does not tell for none, unless it was asked for", async () => {
  const cut = "inequivalent arg 'x-queue-type' for queue 'a long na... (406)";
  const declare = () => Promise.reject(new Error(cut));
  await compareQueue("q", { "x-max-length": 1 }, declare);
  await assert.rejects(compareQueue("q", { "x-queue-type": "quorum" }, declare), { message: cut });
});

Deno.test("compareQueue() takes a value whose type it cannot tell for none of its business", async () => {
  const text = "inequivalent arg 'x-new' for queue 'q' in vhost '/': received '1' but current is '2' (406)";
  const declared: unknown[] = [];
  await compareQueue("q", { "x-max-length": 1 }, ({ args }) => {
    declared.push(args["x-new"]);
    return Promise.reject(new Error(text));
  });
  assert.deepEqual(declared, [undefined, 2]);
});

Deno.test("compareQueue() passes on any other refusal", async () => {
  for (const text of ["RESOURCE_LOCKED (405)", "invalid arg 'x-max-length' for queue 'q' (406)"]) {
    const refused = compareQueue("q", { a: 1 }, () => Promise.reject(new Error(text)));
    await assert.rejects(refused, { message: text });
  }
});

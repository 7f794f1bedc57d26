import assert from "node:assert/strict";
import { type TrialChannel, tryBinding, tryDeclaring, tryPublishing } from "../../../src/rabbitmq/trial.ts";

/** A broker whose answer to everything but opening and closing is this; remembers what was asked. */
function brokerThat(answer: string | undefined) {
  const asked: [string, ...unknown[]][] = [];
  const ask = (name: string) => (...given: unknown[]) => {
    asked.push([name, ...given]);
    return answer === undefined
      ? Promise.resolve(0)
      : Promise.reject(new Error(`channel 1 closed: ${answer}`));
  };
  const channel: TrialChannel = {
    txSelect: () => Promise.resolve(),
    basicPublish: (...given) => (asked.push(["publish", ...given]), Promise.resolve(0)),
    txRollback: ask("rollback"),
    queueDeclare: ask("declare"),
    queueDelete: ask("delete"),
    queueUnbind: ask("unbind"),
    close: () => Promise.resolve(),
  };
  return { asked, connection: { channel: () => Promise.resolve(channel) } };
}

const REFUSED = "ACCESS_REFUSED - access to queue 'q' in vhost '/' refused for user 'u' (403)";

Deno.test("tryPublishing() takes back what it published, and tells what was refused", async () => {
  const { asked, connection } = brokerThat(undefined);
  assert.equal(await tryPublishing(connection, "x"), undefined);
  const [[, exchange, key], [then]] = asked as [[string, string, string], [string]];
  assert.deepEqual([exchange, then, asked.length], ["x", "rollback", 2]);
  assert.match(key, /^changefeed\.check\./);
  assert.equal((await tryPublishing(brokerThat(REFUSED).connection, ""))?.kind, "BrokerDenied");
  const missing = await tryPublishing(
    brokerThat("NOT_FOUND - no exchange 'x' in vhost '/' (404)").connection,
    "x",
  );
  assert.equal(missing?.kind, "Unroutable");
});

Deno.test("tryDeclaring() asks for a queue that cannot be, and looks at the reason", async () => {
  const declare = async (type: "quorum" | "classic", answer: string | undefined) => {
    const { asked, connection } = brokerThat(answer);
    const refusal = await tryDeclaring(connection, "q", type, { "x-max-length": 5 });
    return { refusal: refusal?.kind, asked };
  };
  const quorum = await declare(
    "quorum",
    "PRECONDITION_FAILED - invalid property 'non-durable' for queue 'q' (406)",
  );
  assert.equal(quorum.refusal, undefined);
  assert.deepEqual(quorum.asked, [
    ["declare", "q", { durable: false, autoDelete: false, exclusive: false }, {
      "x-queue-type": "quorum",
      "x-max-length": 5,
    }],
  ]);
  const invalid = (name: string) =>
    `PRECONDITION_FAILED - invalid arg '${name}' for queue 'q' in vhost '/' (406)`;
  const classic = await declare("classic", invalid("x-max-priority"));
  assert.equal(classic.refusal, undefined);
  assert.equal((classic.asked[0]?.[2] as { durable: boolean }).durable, true);
  for (const type of ["quorum", "classic"] as const) {
    assert.equal((await declare(type, invalid("x-max-length"))).refusal, "TopologyMismatch");
    assert.equal((await declare(type, REFUSED)).refusal, "BrokerDenied");
  }
});

Deno.test("tryDeclaring() takes away what a broker declared all the same", async () => {
  const { asked, connection } = brokerThat(undefined);
  assert.equal(await tryDeclaring(connection, "q", "classic", {}), undefined);
  assert.deepEqual(asked.map(([name]) => name), ["declare", "delete"]);
  assert.deepEqual(asked[1], ["delete", "q", { ifUnused: true, ifEmpty: true }]);
});

Deno.test("tryBinding() takes away a binding that nobody made", async () => {
  const { asked, connection } = brokerThat(undefined);
  assert.equal(await tryBinding(connection, "q", "x"), undefined);
  assert.deepEqual(asked[0]?.slice(0, 3), ["unbind", "q", "x"]);
  const missing = brokerThat("NOT_FOUND - no queue 'q' in vhost '/' (404)");
  assert.equal(await tryBinding(missing.connection, "q", "x"), undefined);
  assert.equal((await tryBinding(brokerThat(REFUSED).connection, "q", "x"))?.kind, "BrokerDenied");
});

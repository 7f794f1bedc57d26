import assert from "node:assert/strict";
import type { AmqpAddress } from "../../../src/settings/amqp_address.ts";
import { connect, type Connection, type ConnectionOptions } from "../../../src/rabbitmq/connection.ts";
import { type Behaviour, FakeBroker, type Step } from "./fake_broker.ts";

const unhandled: unknown[] = [];
const onUnhandled = (event: PromiseRejectionEvent) => {
  event.preventDefault();
  unhandled.push(event.reason);
};
Deno.test.beforeAll(() => globalThis.addEventListener("unhandledrejection", onUnhandled));
Deno.test.afterAll(() => globalThis.removeEventListener("unhandledrejection", onUnhandled));
Deno.test.afterEach(() => assert.deepEqual(unhandled.splice(0), []));

function optionsFor(port: number, address: Partial<AmqpAddress> = {}): ConnectionOptions {
  const { host = "127.0.0.1", user, password, vhost = "/", tls = false } = address;
  return {
    addresses: [{ host, port, user, password, vhost, tls, parameters: [] }],
    heartbeat: 5,
    connectionName: "crdb-changefeed-publisher foo",
  };
}

function signal(): AbortSignal {
  return new AbortController().signal;
}

Deno.test("connect() logs in with user and password, tells its name, and opens the vhost", () =>
  FakeBroker.with({}, async (broker) => {
    const address = { user: "üser", password: "p%40:ss/ word", vhost: "a/b." };
    const connection = await connect(optionsFor(broker.port, address), signal());
    assert.equal(connection.address, `127.0.0.1:${broker.port}`);
    assert.equal(connection.frameMax, 131_072);
    await connection.shutdown();
    assert.equal(broker.login?.mechanism, "PLAIN");
    assert.equal(broker.login?.response, "\0üser\0p%40:ss/ word");
    assert.equal(broker.login?.properties["product"], "crdb-changefeed-publisher");
    assert.equal(broker.login?.properties["connection_name"], "crdb-changefeed-publisher foo");
    assert.equal(broker.vhost, "a/b.");
  }));

Deno.test("connect() logs in as guest when the address names nobody, and without a password as it is told", () =>
  FakeBroker.with({}, async (broker) => {
    await (await connect(optionsFor(broker.port), signal())).shutdown();
    assert.equal(broker.login?.response, "\0guest\0guest");
    await (await connect(optionsFor(broker.port, { user: "foo", vhost: "." }), signal())).shutdown();
    assert.equal(broker.login?.response, "\0foo\0");
    assert.equal(broker.vhost, ".");
  }));

Deno.test("connect() takes an IPv6 address", () =>
  FakeBroker.with({ host: "::1" }, async (broker) => {
    const connection = await connect(optionsFor(broker.port, { host: "::1" }), signal());
    await connection.shutdown();
    assert.equal(broker.login?.mechanism, "PLAIN");
  }));

Deno.test("connect() says which logins the broker offers when ours is not among them", () =>
  FakeBroker.with({ mechanisms: "EXTERNAL SCRAM" }, async (broker) => {
    await assert.rejects(connect(optionsFor(broker.port), signal()), {
      kind: "BrokerDenied",
      message: /^Cannot log in to RabbitMQ: it offers no PLAIN login, only EXTERNAL SCRAM$/,
    });
    assert.equal(broker.login, undefined);
  }));

const breaks: readonly (readonly [what: string, behaviour: Behaviour])[] = [
  ...(["greeting", "login", "tune"] as const).map((step: Step) =>
    [`is cut after the ${step}`, { cutAfter: step }] as const
  ),
  ["speaks HTTP", { says: `HTTP/1.1 400 Bad Request\r\n\r\n${"x".repeat(200_000)}` }],
  ["sends a frame that does not end", { says: "\x01\0\0\0\0\0\x04\0\x0a\0\x0aX" }],
];
for (const [what, behaviour] of breaks) {
  Deno.test(`connect() to a peer that ${what} is BrokerUnreachable, and nothing is rejected unhandled`, () =>
    FakeBroker.with(behaviour, async (broker) => {
      await assert.rejects(connect(optionsFor(broker.port), signal()), {
        kind: "BrokerUnreachable",
        message: /^Cannot connect to RabbitMQ at "127\.0\.0\.1:\d+" as user "guest", vhost "\/": /,
      });
    }));
}

Deno.test("connect() is aborted while the peer says nothing", () =>
  FakeBroker.with({ says: "" }, async (broker) => {
    const stop = new AbortController();
    const connecting = connect(optionsFor(broker.port), stop.signal);
    stop.abort();
    await assert.rejects(connecting, { kind: "BrokerUnreachable", message: /no longer wanted/ });
    await assert.rejects(connect(optionsFor(broker.port), stop.signal), { kind: "BrokerUnreachable" });
  }));

Deno.test("a connection that is cut right after it opened reports it, and closes", () =>
  FakeBroker.with({ cutAfter: "open" }, async (broker) => {
    const connection = await connect(optionsFor(broker.port), signal());
    const cause = await new Promise<unknown>((resolve) => connection.ondisconnect = resolve);
    assert.equal(connection.failure(cause).kind, "BrokerUnreachable");
    await assert.rejects(connection.channel());
    await connection.shutdown();
  }));

for (
  const [who, end] of [
    ["the broker", (_: Connection, broker: FakeBroker) => broker.cut()],
    ["this side", (connection: Connection) => connection.abort(new Error("socket closed: no longer wanted"))],
  ] as const
) {
  Deno.test(`a channel that is being closed when ${who} ends the connection is no reason to wait for ever`, () =>
    FakeBroker.with({}, async (broker) => {
      const connection = await connect(optionsFor(broker.port), signal());
      const channel = await connection.channel();
      broker.onCloseChannel = () => end(connection, broker);
      await assert.rejects(channel.close(), /^Error: (?:AMQPError: )?socket closed/i);
      await assert.rejects(connection.channel());
      await connection.shutdown();
    }));
}

Deno.test("connect() waits for a slow login longer than a heartbeat", () =>
  FakeBroker.with({ thinksFor: 2_500 }, async (broker) => {
    const connection = await connect({ ...optionsFor(broker.port), heartbeat: 1 }, signal());
    assert.equal(connection.closed, false);
    await connection.shutdown();
  }));

for (const [wish, agreed] of [[0, 5], [3, 3], [60, 5]] as const) {
  Deno.test(`connect() to a broker that wants heartbeats of ${wish} s agrees to ${agreed}`, () =>
    FakeBroker.with({ heartbeat: wish }, async (broker) => {
      const connection = await connect(optionsFor(broker.port), signal());
      assert.equal(broker.heartbeat, agreed);
      await connection.shutdown();
    }));
}

Deno.test("a broker that sends no heartbeats, whatever was agreed, is asked now and then; one that is dead is noticed", () =>
  FakeBroker.with({ heartbeat: 0 }, async (broker) => {
    const connection = await connect({ ...optionsFor(broker.port), heartbeat: 1 }, signal());
    const lost = new Promise<Error | undefined>((resolve) => connection.ondisconnect = resolve);
    await connection.channel();
    let asked = 0;
    // A broker that answered nothing would be lost after 2.5 s; the third question comes after 3.
    const alive = new Promise<string>((resolve) => broker.onQos = () => ++asked === 3 && resolve("alive"));
    assert.equal(await Promise.race([alive, lost]), "alive");
    broker.silent = true;
    const { kind, message } = connection.failure(await lost);
    assert.equal(kind, "BrokerUnreachable");
    assert.match(message, /nothing received for 2 s/);
  }));

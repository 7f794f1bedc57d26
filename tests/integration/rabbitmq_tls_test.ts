import assert from "node:assert/strict";
import type { RabbitMQOptions } from "../../src/rabbitmq/broker.ts";
import { RabbitMQBroker } from "../../src/rabbitmq/broker.ts";
import { type Certificate, TestAuthority } from "../support/certificates.ts";
import { freePort } from "../support/ports.ts";
import { RabbitMQ } from "../support/rabbitmq.ts";
import { deleteQueues, messageTo, Observed, optionsFor, Outcomes, withSession } from "./rabbitmq_rig.ts";

type Credentials = Pick<Certificate, "cert" | "key">;

let rabbitmq: RabbitMQ;
let authority: TestAuthority;
let port = 0;
let ca = "";
let client: Credentials;
let stranger: Credentials;

Deno.test.beforeAll(async () => {
  port = freePort();
  authority = await TestAuthority.create();
  ({ ca } = authority);
  const server = await authority.certify("server", { altName: "DNS:localhost" });
  [client, stranger] = [
    credentialsOf(await authority.certify("client")),
    credentialsOf(await authority.certify("stranger")),
  ];
  rabbitmq = await RabbitMQ.start({
    own: true,
    plugins: ["rabbitmq_auth_mechanism_ssl"],
    config: `listeners.ssl.default = 127.0.0.1:${port}
ssl_options.cacertfile = ${authority.caPath}
ssl_options.certfile = ${server.certPath}
ssl_options.keyfile = ${server.keyPath}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = false
ssl_cert_login_from = common_name
auth_mechanisms.1 = PLAIN
auth_mechanisms.2 = EXTERNAL
`,
  });
  await rabbitmq.ctl("add_user", "client", "not used");
  await rabbitmq.ctl("set_permissions", "client", ".*", ".*", ".*");
});
Deno.test.afterAll(async () => {
  await rabbitmq.stop();
  await authority[Symbol.asyncDispose]();
});

function credentialsOf({ cert, key }: Certificate): Credentials {
  return { cert, key };
}

function optionsWith(credentials: string, tls: RabbitMQOptions["tls"], host = "localhost"): RabbitMQOptions {
  return optionsFor(`amqps://${credentials}${host}:${port}`, tls === undefined ? {} : { tls });
}

async function publishOne(options: RabbitMQOptions): Promise<void> {
  await withSession(options, async ({ publisher, outcomes, queue }) => {
    publisher.publish(messageTo(queue));
    await outcomes.until(1);
  });
  await deleteQueues(rabbitmq.url, options.queue ?? "");
}

function refused(options: RabbitMQOptions, message: RegExp, hint: RegExp): Promise<void> {
  const broker = new RabbitMQBroker(options, new Observed());
  const connecting = broker.connect(new Outcomes(), new AbortController().signal);
  return assert.rejects(connecting, { kind: "BrokerDenied", message, hint });
}

Deno.test("connect() with amqps trusts the authority it is given", () =>
  publishOne(optionsWith("guest:guest@", { ca })));

Deno.test("connect() with amqps refuses a broker of an unknown authority", () =>
  refused(optionsWith("guest:guest@", undefined), /certificate/i, /--amqp-tls-ca/));

Deno.test("connect() with amqps refuses a certificate of another name", () =>
  refused(optionsWith("guest:guest@", { ca }, "127.0.0.1"), /certificate/i, /--amqp-tls-ca/));

Deno.test("connect() with amqps takes the name that the certificate must have", () =>
  publishOne(optionsWith("guest:guest@", { ca, servername: "localhost" }, "127.0.0.1")));

Deno.test("connect() with a client certificate and no user logs in by the certificate", () =>
  publishOne(optionsWith("", { ca, ...client })));

Deno.test("connect() with a client certificate and a user logs in as the user", () =>
  publishOne(optionsWith("guest:guest@", { ca, ...stranger })));

Deno.test("connect() with the certificate of an unknown user is BrokerDenied", () =>
  refused(
    optionsWith("", { ca, ...stranger }),
    /with the client certificate.*ACCESS_REFUSED/,
    /user, password/,
  ));

Deno.test("connect() with amqps to a port without TLS says so", () =>
  refused(
    optionsFor(rabbitmq.url.replace("amqp:", "amqps:"), { tls: { ca } }),
    /InvalidContentType|wrong version/,
    /does not speak TLS/,
  ));

import assert from "node:assert/strict";
import { join } from "node:path";
import type { RabbitMQOptions } from "../../src/rabbitmq/broker.ts";
import { RabbitMQBroker } from "../../src/rabbitmq/broker.ts";
import { run } from "../support/guarded_process.ts";
import { freePort } from "../support/ports.ts";
import { RabbitMQ } from "../support/rabbitmq.ts";
import { deleteQueues, messageTo, Observed, optionsFor, Outcomes, withSession } from "./rabbitmq_rig.ts";

interface Credentials {
  readonly cert: string;
  readonly key: string;
}

let rabbitmq: RabbitMQ;
let folder = "";
let port = 0;
let ca = "";
let client: Credentials;
let stranger: Credentials;

Deno.test.beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "tls-" });
  port = freePort();
  await makeAuthority();
  await makeCertificate("server", "subjectAltName=DNS:localhost");
  client = await makeCertificate("client");
  stranger = await makeCertificate("stranger");
  ca = await Deno.readTextFile(join(folder, "ca.pem"));
  rabbitmq = await RabbitMQ.start({
    own: true,
    plugins: ["rabbitmq_auth_mechanism_ssl"],
    config: `listeners.ssl.default = 127.0.0.1:${port}
ssl_options.cacertfile = ${folder}/ca.pem
ssl_options.certfile = ${folder}/server.pem
ssl_options.keyfile = ${folder}/server.key
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
  await Deno.remove(folder, { recursive: true });
});

async function makeAuthority(): Promise<void> {
  const subject = ["-subj", "/CN=test authority", "-days", "2", "-nodes"];
  await openssl("req", "-x509", "-newkey", "rsa:2048", ...subject, "-keyout", "ca.key", "-out", "ca.pem");
}

async function makeCertificate(name: string, extension = ""): Promise<Credentials> {
  await Deno.writeTextFile(join(folder, `${name}.ext`), `basicConstraints=CA:FALSE\n${extension}\n`);
  const key = ["-newkey", "rsa:2048", "-nodes", "-keyout", `${name}.key`];
  await openssl("req", ...key, "-subj", `/CN=${name}`, "-out", `${name}.csr`);
  const authority = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"];
  const extensions = ["-extfile", `${name}.ext`];
  await openssl("x509", "-req", "-in", `${name}.csr`, ...authority, ...extensions, "-out", `${name}.pem`);
  return {
    cert: await Deno.readTextFile(join(folder, `${name}.pem`)),
    key: await Deno.readTextFile(join(folder, `${name}.key`)),
  };
}

async function openssl(...args: string[]): Promise<void> {
  await run("openssl", args, { cwd: folder });
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

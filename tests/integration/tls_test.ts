import assert from "node:assert/strict";
import type { AgentOptions } from "../support/agent_process.ts";
import { AgentProcess } from "../support/agent_process.ts";
import { TestAuthority } from "../support/certificates.ts";
import { Cockroach } from "../support/cockroach.ts";
import { runCommand } from "../support/command.ts";
import { freePort } from "../support/ports.ts";
import { QueueReader } from "../support/queue_reader.ts";
import { RabbitMQ } from "../support/rabbitmq.ts";

const QUEUE = "changes";

Deno.test("the agent works over TLS on both sides, with client certificates, and stops when one is not trusted", async () => {
  await using services = new AsyncDisposableStack();
  const authority = services.use(await TestAuthority.create());
  const stranger = services.use(await TestAuthority.create());
  const server = await authority.certify("localhost", { altName: "DNS:localhost" });
  const client = await authority.certify("root");
  const port = freePort();
  const [cockroach, rabbitmq] = await Promise.all([
    Cockroach.start({ simulator: true }),
    RabbitMQ.start({
      own: true,
      config: `listeners.ssl.default = 127.0.0.1:${port}
ssl_options.cacertfile = ${authority.caPath}
ssl_options.certfile = ${server.certPath}
ssl_options.keyfile = ${server.keyPath}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
`,
    }),
  ]);
  services.defer(() => cockroach.stop());
  services.defer(() => rabbitmq.stop());
  const { cert, key } = server;
  const secured = { cert, key, ca: authority.ca, insist: true, clientCertificates: "require" } as const;
  const node = await cockroach.simulator.addNode(secured);
  services.defer(async () => void await cockroach.simulator.call("removeNode", { port: node.port }));
  await cockroach.sql("CREATE TABLE foo (a INT PRIMARY KEY)");
  await cockroach.sql("INSERT INTO foo VALUES (1)");

  const optionsTrusting = ({ caPath }: TestAuthority, brokerCa = authority.caPath): AgentOptions => {
    const files = `sslrootcert=${caPath}&sslcert=${client.certPath}&sslkey=${client.keyPath}`;
    const tls = [
      "--amqp-tls-ca",
      brokerCa,
      "--amqp-tls-cert",
      client.certPath,
      "--amqp-tls-key",
      client.keyPath,
    ];
    return {
      args: ["--table", "foo", "--cursor-frequency", "500ms", ...tls],
      env: {
        DATABASE_URL:
          `postgresql://root@localhost:${node.port}/${cockroach.database}?sslmode=verify-full&${files}`,
        AMQP_ADDR: `amqps://guest:guest@localhost:${port}`,
        AMQP_QUEUE: QUEUE,
      },
    };
  };
  const agentTrusting = (...authorities: Parameters<typeof optionsTrusting>) =>
    AgentProcess.start(optionsTrusting(...authorities));
  {
    await using agent = await agentTrusting(stranger);
    const { code, failure, output } = await agent.end();
    assert.deepEqual([code, failure?.kind], [1, "SourceDenied"], output);
    assert.match(failure?.hint ?? "", /sslrootcert/);
  }
  {
    await using agent = await agentTrusting(authority, stranger.caPath);
    const { code, failure, output } = await agent.end();
    assert.deepEqual([code, failure?.kind], [1, "BrokerDenied"], output);
    assert.match(failure?.hint ?? "", /--amqp-tls-ca/);
  }
  {
    const { args = [], env } = optionsTrusting(authority);
    const { code, stdout } = await runCommand({ args: ["check", ...args], env });
    assert.equal(code, 0, stdout);
    assert.match(stdout, new RegExp(`^✓ CockroachDB localhost:${node.port} +.*, TLS$`, "m"));
    assert.match(stdout, new RegExp(`^✓ RabbitMQ localhost:${port} +.*, TLS$`, "m"));
  }
  await using agent = await agentTrusting(authority);
  await using queue = await QueueReader.start(rabbitmq.url, QUEUE);
  await queue.count(1);
  await agent.said(({ message }) => message === "The initial scan is confirmed");
  await cockroach.sql("INSERT INTO foo VALUES (2)");
  await queue.count(2);
  assert.equal(await agent.stop(), 0);
  assert.deepEqual(queue.bodies.map((body) => JSON.parse(body).key), ["[1]", "[2]"]);
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { type AmqpAddress, amqpAddressText, parseAmqpAddresses } from "../../../src/settings/amqp_address.ts";
import { anyText } from "../../support/arbitrary.ts";

function parse(text: string): readonly AmqpAddress[] {
  const addresses = parseAmqpAddresses(text);
  if (typeof addresses === "string") assert.fail(addresses);
  return addresses;
}

Deno.test("parseAmqpAddresses() reads everything an address can say", () => {
  assert.deepEqual(parse("amqps://me:p%2Fw@[::1]:1234/my%2Fhost?heartbeat=10&frame_max=4096"), [{
    host: "::1",
    port: 1234,
    tls: true,
    user: "me",
    password: "p/w",
    vhost: "my/host",
    heartbeat: 10,
    parameters: ["frame_max"],
  }]);
});

Deno.test("parseAmqpAddresses() fills in RabbitMQ's defaults", () => {
  const plain = {
    host: "h",
    port: 5672,
    tls: false,
    user: undefined,
    password: undefined,
    vhost: "/",
    parameters: [],
  };
  for (const text of ["amqp://h", "amqp://h/", "amqp://h/%2f", " AMQP://h\n"]) {
    assert.deepEqual(parse(text), [plain], text);
  }
  assert.deepEqual(parse("amqps://h"), [{ ...plain, port: 5671, tls: true }]);
});

Deno.test("parseAmqpAddresses() reads several nodes; a comma may stand in a password", () => {
  const nodes = parse("amqp://a:x,y@h1/v, amqps://a:x,amqp@h2:1/v,amqp://h3/v");
  assert.deepEqual(nodes.map(amqpAddressText), ["h1:5672/v", "h2:1/v", "h3:5672/v"]);
  assert.deepEqual(nodes.map(({ password }) => password), ["x,y", "x,amqp", undefined]);
});

Deno.test("amqpAddressText() shows host, port and vhost, and no credentials", () => {
  assert.deepEqual(parse("amqp://me:s3cr3t@[::1]/v,amqp://me:s3cr3t@h/v").map(amqpAddressText), [
    "[::1]:5672/v",
    "h:5672/v",
  ]);
});

Deno.test("parseAmqpAddresses() says what is wrong", () => {
  const problems: Record<string, RegExp> = {
    "": /^expected amqp:/,
    "http://h": /^expected amqp:/,
    "h:5672": /^expected amqp:/,
    "amqp://": /host is missing/,
    "amqp://h:99999": /host "h" is not a number from 1 to 65535/,
    "amqp://h1,h2": /characters that no host name has/,
    "amqp://h/a,amqp://h/b": /different vhosts/,
    "amqp://h,amqp://": /host is missing/,
    "amqp://u:%zz@h": /percent sign/,
    "amqps://h?cacertfile=ca.pem": /"cacertfile": use --amqp-tls-ca/,
    "amqps://h?certfile=c.pem": /"certfile": use --amqp-tls-cert/,
    "amqps://h?keyfile=k.pem": /"keyfile": use --amqp-tls-key/,
    "amqps://h?verify=verify_none": /"verify": the broker's certificate is always verified/,
    "amqps://h?Verify=verify_peer": /"Verify" is not known; did you mean verify/,
    "amqps://h?cafile=ca.pem": /did you mean cacertfile/,
    "amqps://h?server_name_indication=x": /the name of the host/,
    "amqps://h?auth_mechanism=external": /--amqp-tls-cert/,
    "amqp://h?heart_beat=5": /did you mean heartbeat/,
    "amqp://h?heartbeat=0": /heartbeat "0" is no number of seconds from 1 to 3600/,
    "amqp://h?heartbeat=5&heartbeat=6": /"heartbeat" stands twice/,
    "amqp://h?ssl=true": /did you mean amqps:/,
    "amqp://h?tls_versions=1": /"tls_versions" is not known/,
  };
  for (const [text, problem] of Object.entries(problems)) {
    const result = parseAmqpAddresses(text);
    assert.ok(typeof result === "string" && problem.test(result), `${text}: ${JSON.stringify(result)}`);
  }
});

Deno.test("parseAmqpAddresses() never shows a password, however it is broken", () => {
  const broken = [
    "amqp://me:s3cr3t",
    "amqp://me:s3/cr3t@h",
    "amqp://me:1/s3cr3t@h",
    "amqp://me:1?s3cr3t@h",
    "amqp://me:s3?cr3t@h",
    "amqp://me:s3cr3t@h:x",
    "amqp://me:s3cr3t@h h",
    "amqp://me:s3cr3t%@h",
    "ampq://me:s3cr3t@h",
    "amqp://h,ampq://me:s3cr3t@h",
    "amqp://me:s3cr3t@h/a,amqp://me:s3cr3t@h/b",
  ];
  for (const text of broken) {
    const result = parseAmqpAddresses(text);
    assert.ok(typeof result === "string" && !/s3|cr3t/.test(result), `${text}: ${JSON.stringify(result)}`);
  }
});

Deno.test("parseAmqpAddresses() returns a value or a problem for any text", () => {
  const part = fc.tuple(
    fc.constantFrom("", "amqp://", "amqps://", "Amqp://"),
    anyText,
    fc.constantFrom("", ":", "@", "/", "?", "%", "@h", ",amqp://"),
    anyText,
  ).map((texts) => texts.join(""));
  fc.assert(fc.property(fc.array(part, { minLength: 1, maxLength: 3 }), (parts) => {
    const result = parseAmqpAddresses(parts.join(","));
    assert.ok(result.length > 0);
  }));
});

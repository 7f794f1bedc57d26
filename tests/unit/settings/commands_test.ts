import assert from "node:assert/strict";
import { parse } from "../../support/settings.ts";

Deno.test("health needs no setting, and looks at its own alone", () => {
  const none = { DATABASE_URL: undefined, AMQP_ADDR: undefined, AMQP_QUEUE: undefined };
  assert.deepEqual(parse("health", none), { kind: "health", http: { host: "0.0.0.0", port: 8001 } });
  assert.deepEqual(parse("health --max-in-flight 0", { DATABASE_URL: "?", PROMETHEUS_ADDR: "[::1]:9" }), {
    kind: "health",
    http: { host: "::1", port: 9 },
  });
  assert.deepEqual(parse("health", { PROMETHEUS_ADDR: "here" }), {
    kind: "problems",
    problems: ['PROMETHEUS_ADDR "here": the port behind the host "here" is missing'],
  });
});

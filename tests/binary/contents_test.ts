import assert from "node:assert/strict";
import { compile } from "../support/compile.ts";
import { contentsOf } from "./executable_file.ts";

Deno.test("the executable may use the network, read files and variables, and nothing else", async () => {
  const text = contentsOf(await Deno.readFile(await compile())).toString();
  const permissions = JSON.parse(/"permissions":(\{[^}]*\})/.exec(text)?.[1] ?? "{}");
  const allowed = Object.entries(permissions).filter(([name, value]) =>
    /^allow/.test(name) && value !== null
  );
  // An empty list means all; imports of remote code are denied as a whole below.
  assert.deepEqual(Object.fromEntries(allowed.filter(([name]) => name !== "allow_import")), {
    allow_env: [],
    allow_net: [],
    allow_read: [],
  });
  assert.deepEqual(permissions.deny_import, []);
  assert.equal(permissions.prompt, false);
});

Deno.test("the executable holds the packages it runs on and none of the tests", async () => {
  const text = contentsOf(await Deno.readFile(await compile())).toString("latin1");
  const holds = (name: string) => text.includes(`${name}@`);
  const runtime = ["@cloudamqp/amqp-client", "@logtape/logtape", "commander", "hono", "pg", "prom-client"];
  assert.deepEqual(runtime.filter((name) => !holds(name)), []);
  const tests = [
    "@electric-sql/pglite",
    "@grafana/grafana-foundation-sdk",
    "tslib",
    "fast-check",
    "pure-rand",
    "yaml",
    "playwright-core",
    "axe-core",
    "@types/pg",
  ];
  assert.deepEqual(tests.filter(holds), []);
});

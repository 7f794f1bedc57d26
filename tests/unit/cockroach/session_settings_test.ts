import assert from "node:assert/strict";
import { SESSION_SETTINGS, setStatement, settingsOf } from "../../../src/cockroach/session_settings.ts";
import { parseVersion } from "../../../src/cockroach/version.ts";

Deno.test("settingsOf() leaves out what came later, and asks every version for what is not known to be new", () => {
  const names = (version: string) => settingsOf(parseVersion(version)).map(({ name }) => name);
  assert.ok(!names("v22.1.0").includes("transaction_timeout"));
  assert.ok(names("v23.1.0").includes("transaction_timeout"));
  assert.ok(!names("v25.3.0").includes("allow_unsafe_internals"));
  assert.ok(names("v25.4.0").includes("allow_unsafe_internals"));
  assert.ok(names("v20.2.0").includes("search_path"));
});

Deno.test("setStatement() sets all of them at once", () => {
  const statement = setStatement(SESSION_SETTINGS);
  assert.equal(statement.split("; ").length, SESSION_SETTINGS.length);
  assert.match(statement, /^SET statement_timeout = 0; SET /);
});

Deno.test("SESSION_SETTINGS has each setting once: what the server waits for, how it reads and writes, and its texts", () => {
  const names = SESSION_SETTINGS.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const { name, value } of SESSION_SETTINGS) {
    assert.match(name, /^[a-z_]+$/);
    assert.match(value, /^(?:\d|on|off|public|'[\w, ]+')$/);
  }
});

Deno.test("of CockroachDB's internals the program asks for one, the cluster's id, and only for the lock's name", () => {
  const asked: string[] = [];
  for (const { name } of Deno.readDirSync("src/cockroach")) {
    for (const line of Deno.readTextFileSync(`src/cockroach/${name}`).split("\n")) {
      if (/^\s*(?:\/\/|\*|\/\*)/.test(line)) continue;
      for (const [internal] of line.matchAll(/\b(?:crdb_internal|system)\.\w+/g)) {
        asked.push(`${name}: ${internal}`);
      }
    }
  }
  assert.deepEqual(asked, ["cluster.ts: crdb_internal.cluster_id"]);
});

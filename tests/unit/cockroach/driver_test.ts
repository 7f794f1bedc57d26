import assert from "node:assert/strict";
import { ScriptedServer } from "../../support/scripted_server.ts";

/** What a process with these variables sends first to a server that wants no password. */
async function startup(env: Readonly<Record<string, string>>): Promise<string[]> {
  await using server = new ScriptedServer({});
  const url = `postgresql://alice@127.0.0.1:${await server.start()}/shop?sslmode=disable`;
  const program = `
    import { connect } from "./src/cockroach/connection.ts";
    import { parseDatabaseUrl } from "./src/settings/database_url.ts";
    (await connect(parseDatabaseUrl(${JSON.stringify(url)}), "name")).close();`;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", program],
    cwd: new URL("../../../", import.meta.url),
    env,
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return server.startups;
}

Deno.test("connect() is the same whatever variables of libpq and pg there are", async () => {
  const expected = await startup({});
  assert.equal(expected.length, 1);
  const variables = {
    NODE_PG_FORCE_NATIVE: "1",
    PGSSLNEGOTIATION: "direct",
    PGSSLMODE: "verify-full",
    PGOPTIONS: "-c search_path=elsewhere",
    PGPASSWORD: "s3cr3t",
    PGREPLICATION: "database",
    PGCLIENT_ENCODING: "LATIN1",
    PGBINARY: "1",
    PGAPPNAME: "another",
    PGCONNECT_TIMEOUT: "1",
    PGHOST: "elsewhere",
    PGUSER: "bob",
  };
  assert.deepEqual(await startup(variables), expected);
});

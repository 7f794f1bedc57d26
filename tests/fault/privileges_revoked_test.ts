import assert from "node:assert/strict";
import { Trial } from "./trial.ts";

Deno.test("privileges that are revoked in mid-stream stop the agent; granted again, nothing is lost", async () => {
  await using trial = await Trial.start();
  const { cockroach, name } = trial;
  const user = `u_${crypto.randomUUID().slice(0, 8)}`;
  await cockroach.sql(`CREATE USER ${user}`);
  await cockroach.sql(`GRANT SELECT ON TABLE ${name} TO ${user}`);
  await cockroach.sql("CREATE TABLE cursor_store (key STRING NOT NULL PRIMARY KEY, cursor STRING NOT NULL)");
  await cockroach.sql(`GRANT SELECT, INSERT, UPDATE ON TABLE cursor_store TO ${user}`);
  const url = new URL(cockroach.url);
  url.username = user;
  const env = { DATABASE_URL: url.href };
  {
    await using agent = await trial.running({ env });
    await cockroach.sql(`REVOKE SELECT ON TABLE ${name} FROM ${user}`);
    await cockroach.cancelFeeds(); // privileges are looked at when a feed starts
    const { hint } = await trial.stopped(agent, "SourceDenied");
    assert.match(hint ?? "", /privileges/);
  }
  await cockroach.sql(`GRANT SELECT ON TABLE ${name} TO ${user}`);
  await using agent = await trial.agent({ env });
  await trial.more(300);
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  assert.equal((await trial.sound()).repeated, 0);
});

import assert from "node:assert/strict";
import { AgentError } from "../../../src/errors.ts";
import { classifySourceError } from "../../../src/cockroach/errors.ts";
import { changefeedRemedy, loginRemedy, settingRemedy } from "../../../src/cockroach/remedies.ts";
import { parseVersion, versionProblem } from "../../../src/cockroach/version.ts";
import { parseDatabaseUrl } from "../../../src/settings/database_url.ts";

function refusal(code: string, message: string) {
  return classifySourceError(Object.assign(new Error(message), { code }), "Cannot do it");
}

const url = parseDatabaseUrl('postgresql://o"p@h/shop');
if (typeof url === "string") assert.fail(url);

Deno.test("changefeedRemedy() grants what the version asks for", () => {
  const remedy = (message: string) =>
    changefeedRemedy(refusal("42501", message), ['"s"."p"."t"', '"s"."p"."u"'], 'o"p');
  assert.equal(
    remedy("only users with the admin role are allowed to CREATE CHANGEFEED"),
    'GRANT admin TO "o""p";',
  );
  const select = 'GRANT SELECT ON TABLE "s"."p"."t", "s"."p"."u" TO "o""p";';
  for (
    const message of [
      "current user must have a role WITH CONTROLCHANGEFEED", // v22.1
      "permission denied to create changefeed", // v21.2
    ]
  ) {
    assert.equal(remedy(message), `ALTER USER "o""p" WITH CONTROLCHANGEFEED; ${select}`, message);
  }
  for (
    const message of [
      'user "o" requires the SELECT privilege on all target tables to be able to run a core changefeed',
      "user o with CONTROLCHANGEFEED role option requires the SELECT privilege on all target tables",
      "permission denied",
    ]
  ) {
    assert.equal(remedy(message), select, message);
  }
});

Deno.test("changefeedRemedy() turns rangefeeds on, and leaves what no statement mends to the refusal's own hint", () => {
  const remedy = (error: AgentError) => [changefeedRemedy(error, ['"s"."p"."t"'], "o"), error.hint];
  const off = new AgentError("RangefeedDisabled", "off");
  assert.equal(remedy(off)[0], "SET CLUSTER SETTING kv.rangefeed.enabled = true;");
  const [other, hint] = remedy(new AgentError("TableMissing", "gone"));
  assert.equal(other, hint);
});

Deno.test("loginRemedy() sets the password where that was refused, and knows none", () => {
  assert.equal(
    loginRemedy(refusal("28P01", "password authentication failed for user o"), url),
    `ALTER USER "o""p" WITH PASSWORD '…';`,
  );
  const other = refusal("ECONNREFUSED", "connect ECONNREFUSED 1.2.3.4:26257");
  assert.equal(loginRemedy(other, url), other.hint);
});

Deno.test("versionProblem() names releases before and after those that are known", () => {
  const problems = ["v19.2.1", "v20.1.0", "v22.2.3", "v26.2.9", "v26.3.0", "v27.1.0", ""].map((text) =>
    versionProblem(parseVersion(text))
  );
  const older = "older than v20.1", newer = "newer than v26.2";
  assert.deepEqual(problems, [older, undefined, undefined, undefined, newer, newer, older]);
});

Deno.test("settingRemedy() grants what the version asks for", () => {
  const remedy = (message: string) => settingRemedy(refusal("42501", message), 'o"p');
  const old = "only users with the admin role are allowed to show cluster setting 'kv.rangefeed.enabled'"; // v21.2, v22.1
  assert.equal(remedy(old), 'GRANT admin TO "o""p";');
  const later =
    "only users with MODIFYCLUSTERSETTING, VIEWCLUSTERSETTING or admin privileges are allowed to show cluster setting";
  assert.equal(remedy(later), 'GRANT SYSTEM VIEWCLUSTERSETTING TO "o""p";');
});

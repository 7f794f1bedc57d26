import assert from "node:assert/strict";
import {
  type Check,
  failed,
  failedNode,
  type Finding,
  findings,
  ok,
  once,
  skip,
  warn,
} from "../../src/check.ts";
import { findingLines, findingsJson } from "../../src/check_report.ts";
import { AgentError } from "../../src/errors.ts";

const SECRET = "amqp://me:s3cr3t@mq";

async function found(...checks: Check[]): Promise<Finding[]> {
  const all: Finding[] = [];
  for await (const finding of findings(checks)) all.push(finding);
  return all;
}

function broken(kind: "BrokerDenied" | "BrokerUnreachable"): AgentError {
  return new AgentError(kind, `Cannot reach ${SECRET}`, { hint: "knock" });
}

Deno.test("findings() runs one check after the other, and none that needs what failed", async () => {
  const ran: string[] = [];
  const check = (name: string, needs: string[], run: Check["run"]): Check => ({
    name,
    needs,
    run: () => (ran.push(name), run()),
  });
  const all = await found(
    check("a", [], () => Promise.reject(broken("BrokerDenied"))),
    check("b", ["a"], () => Promise.resolve(ok("never"))),
    check("c", ["b"], () => Promise.resolve(ok("never"))),
    check("d", [], () => Promise.resolve(skip("who knows"))),
    check("e", ["d"], () => Promise.resolve(warn("soon"))),
    check("f", ["e"], () => Promise.resolve(ok("fine"))),
  );
  assert.deepEqual(ran, ["a", "d", "e", "f"]);
  assert.deepEqual(all.map(({ check, status }) => `${check} ${status}`), [
    "a fail",
    "b skip",
    "c skip",
    "d skip",
    "e warn",
    "f ok",
  ]);
  assert.deepEqual([all[0]?.found, all[0]?.fix], ["Cannot reach amqp://…@mq", "knock"]);
  assert.equal(all[1]?.found, "not checked without: a");
});

Deno.test("failedNode() is a warning while another node answers, unless somebody has to do something", () => {
  const statusOf = (kind: "BrokerDenied" | "BrokerUnreachable", another: boolean) =>
    failedNode(broken(kind), "fix", another).status;
  assert.equal(statusOf("BrokerUnreachable", true), "warn");
  assert.equal(statusOf("BrokerUnreachable", false), "fail");
  assert.equal(statusOf("BrokerDenied", true), "fail");
});

Deno.test("once() asks once, also for those who ask while nobody knows", async () => {
  let asked = 0;
  const ask = once(() => Promise.resolve(++asked));
  assert.deepEqual(await Promise.all([ask(), ask()]), [1, 1]);
});

Deno.test("findingLines() has a line for what was found, and one to copy for what mends it", () => {
  const fail: Finding = { check: "a", ...failed(broken("BrokerDenied"), "run\tthis") };
  assert.deepEqual(findingLines(fail, 3, false), ["✗ a    Cannot reach amqp://…@mq", "    run this"]);
  assert.deepEqual(findingLines({ check: "abc", ...ok("two\nlines") }, 3, false), ["✓ abc  two lines"]);
  assert.deepEqual(findingLines({ check: "b", ...warn("soon") }, 1, true), ["\u001b[33m!\u001b[0m b  soon"]);
  assert.deepEqual(findingLines({ check: "c", ...skip("x") }, 1, false), ["– c  x"]);
});

Deno.test("findingsJson() leaves out what was not checked", () => {
  const json = findingsJson([{ check: "a", ...ok("x") }, { check: "b", ...skip("y") }, {
    check: "c",
    ...warn("z", "f"),
  }]);
  assert.deepEqual(JSON.parse(json), [
    { check: "a", status: "ok", found: "x" },
    { check: "c", status: "warn", found: "z", fix: "f" },
  ]);
});

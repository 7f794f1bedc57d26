import assert from "node:assert/strict";
import { parseDuration } from "../../src/settings/duration.ts";
import { SETTINGS } from "../../src/settings/settings.ts";
import { AgentRig } from "../support/agent_rig.ts";
import { compile } from "../support/compile.ts";
import { findProgram, run } from "../support/guarded_process.ts";
import { freePort } from "../support/ports.ts";
import { say } from "../support/terminal.ts";
import { unknownVariables } from "./known_variables.ts";
import { SystemdMachine } from "./systemd.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const NAME = "crdb-changefeed-publisher@.service";
const PROGRAM = "/usr/local/bin/crdb-changefeed-publisher";
const noAnalysis = await findProgram("systemd-analyze") === undefined;
if (noAnalysis) say("unit: no systemd-analyze here: the unit is neither verified nor judged");
const obstacle = await SystemdMachine.obstacle();
if (obstacle !== undefined) say(`unit: ${obstacle}: the unit is not run by systemd`);

const readUnit = () => Deno.readTextFile(`${ROOT}.systemd/${NAME}`);
const readme = () => Deno.readTextFile(`${ROOT}README.md`);
const unitOf = (feed: string) => NAME.replace("@", `@${feed}`);

/** The values of a key of the unit, in their order. */
async function values(key: string): Promise<string[]> {
  return [...(await readUnit()).matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value]) => value ?? "");
}

/** What systemd-analyze says of a unit that starts this program. */
async function verify(unit: string, program: string): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "changefeed-test-" });
  try {
    await Deno.writeTextFile(`${folder}/${NAME}`, unit.replaceAll(PROGRAM, program));
    const { stdout, stderr } = await new Deno.Command("systemd-analyze", {
      args: ["verify", `${folder}/${NAME}`],
    })
      .output();
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "systemd-analyze finds nothing wrong with the unit",
  ignore: noAnalysis,
  async fn() {
    const unit = await readUnit();
    assert.equal(await verify(unit, Deno.execPath()), "");
    assert.match(await verify(`${unit}\n[Service]\nColour=red\n`, Deno.execPath()), /Colour/); // it does where there is
  },
});

Deno.test({
  name: "the unit is exposed no more than README says",
  ignore: noAnalysis,
  async fn() {
    const [, recorded = ""] = /exposure (\d+\.\d) of 10/.exec(await readme()) ?? [];
    const output = await run("systemd-analyze", [
      "security",
      "--offline=true",
      "--no-pager",
      `${ROOT}.systemd/${NAME}`,
    ]);
    const [, found = ""] = /Overall exposure level for \S+: (\d+\.\d)/.exec(output) ?? [];
    assert.ok(
      Number(found) > 0 && Number(found) <= Number(recorded),
      `${found}, README: ${recorded}\n${output}`,
    );
    say(`unit: exposure ${found} of 10`);
  },
});

Deno.test("the unit sets variables that exist, and gives a stop the time that the program takes", async () => {
  const environment = (await values("Environment")).flatMap((value) => value.split(" "));
  const given = Object.fromEntries(environment.map((pair) => pair.split("=")));
  assert.deepEqual(unknownVariables(Object.keys(given)), []);
  const credentials = (await values("LoadCredential")).map((value) => value.split(":")[0] ?? "");
  assert.deepEqual(credentials.map((name) => given[`${name}_FILE`]), credentials.map((name) => `%d/${name}`));
  const [timeout] = await values("TimeoutStopSec");
  assert.ok(Number(timeout) * 1000 > (parseDuration(SETTINGS.drainTimeout.default) ?? Infinity));
  assert.deepEqual(await values("RestartPreventExitStatus"), ["2"]);
});

/** For the test alone: there is no journal, and nobody wants to wait for a restart. */
const DROP_IN = `
mkdir /etc/systemd/system/${NAME}.d
cat > /etc/systemd/system/${NAME}.d/test.conf <<end
[Service]
RestartSec=200ms
StandardOutput=append:/run/%n.log
StandardError=append:/run/%n.log
end
`;

/** README's steps, with the addresses and names of this test. */
async function installSteps(rig: AgentRig): Promise<string> {
  const [, steps] = /```sh\n( *install -m 755 [\s\S]*?)```/.exec(await readme()) ?? [];
  assert.ok(steps !== undefined);
  return steps.replace(/'postgresql:[^']*'/, `'${rig.cockroach.url}'`)
    .replace(/'amqps:[^']*'/, `'${rig.rabbitmq.url}'`)
    .replace(/(CHANGEFEED_TABLE|AMQP_QUEUE)=orders/g, `$1=${rig.name}`)
    .replace(/(PROMETHEUS_ADDR=127.0.0.1):8001/, `$1:${freePort()}`);
}

Deno.test({
  name:
    "systemd runs what README's steps install, in its sandbox, through a crash, a stop and wrong settings",
  ignore: obstacle !== undefined,
  async fn() {
    await using rig = await AgentRig.start();
    await rig.sql(`CREATE TABLE ${rig.name} (a INT PRIMARY KEY)`);
    await using reader = await rig.reader();
    await using machine = await SystemdMachine.start();
    await Deno.mkdir(`${machine.tmp}/dist`);
    await Deno.copyFile(await compile(), `${machine.tmp}/dist/crdb-changefeed-publisher`);
    await Deno.mkdir(`${machine.tmp}/.systemd`);
    await Deno.copyFile(`${ROOT}.systemd/${NAME}`, `${machine.tmp}/.systemd/${NAME}`);
    await machine.shell(DROP_IN);
    await machine.shell(await installSteps(rig));

    const orders = unitOf("orders");
    const come = async (count: number) => {
      await rig.sql(`INSERT INTO ${rig.name} VALUES (${count})`);
      await reader.count(count).catch(async (error) => {
        throw new Error(`${error.message}\n${await machine.report(orders)}`);
      });
    };
    await come(1);
    const status = await machine.proc(orders, "status");
    const [, user] = /^Uid:\t(\d+)\t/m.exec(status) ?? [];
    assert.ok(Number(user) >= 61184, status); // the first that systemd gives to a dynamic user
    for (const line of [/^CapBnd:\t0+$/m, /^NoNewPrivs:\t1$/m, /^Seccomp:\t2$/m]) assert.match(status, line);
    const names = (await machine.proc(orders, "environ")).split("\0").map((pair) => pair.split("=")[0]);
    assert.ok(names.includes("DATABASE_URL_FILE") && !names.includes("DATABASE_URL"), names.join());

    await machine.systemctl("kill", "--signal=KILL", orders);
    await machine.has(orders, "NRestarts", "1");
    await come(2);

    await machine.systemctl("stop", orders);
    assert.equal(await machine.property(orders, "Result"), "success");
    assert.equal(await machine.property(orders, "ExecMainStatus"), "0");
    assert.match(await machine.read(`run/${orders}.log`), /Stopped as asked/);

    const folder = "/etc/crdb-changefeed-publisher";
    const wrong = unitOf("wrong"), missing = unitOf("missing");
    await machine.shell(`sed 's/^AMQP_QUEUE=.*/AMQP_QUEUE=/' ${folder}/orders.env > ${folder}/wrong.env`);
    await machine.shell(
      `sed 's/^CHANGEFEED_TABLE=.*/&_missing/' ${folder}/orders.env > ${folder}/missing.env`,
    );
    await machine.systemctl("start", wrong);
    await machine.has(wrong, "SubState", "failed");
    assert.equal(await machine.property(wrong, "ExecMainStatus"), "2");
    assert.equal(await machine.property(wrong, "NRestarts"), "0");
    await machine.systemctl("start", missing);
    await machine.has(missing, "NRestarts", "2");
    assert.match(await machine.read(`run/${missing}.log`), /TableMissing/);
    say(`unit: run by ${await machine.systemctl("show", "--property=Version", "--value")}`.trim());
  },
});

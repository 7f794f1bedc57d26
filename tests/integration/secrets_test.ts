import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { flagName, isSwitch, type Setting } from "../../src/settings/setting.ts";
import { SETTINGS } from "../../src/settings/settings.ts";
import { AgentProcess } from "../support/agent_process.ts";
import { AgentRig } from "../support/agent_rig.ts";
import { TestAuthority } from "../support/certificates.ts";
import { freePort } from "../support/ports.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { shownBy } from "./shown.ts";

/** Every secret of these tests holds this word, and characters that a URL has to escape. */
const WORD = "S3cr3t";
const secret = (of: string) => `p@ss/${WORD}?${of}:%41,x`;
const DATABASE = secret("database"), CURSOR = secret("cursor"), BROKER = secret("broker");
const HEADER = `${WORD}-header`;
const TRACE = { LOG_LEVEL: "trace" };

/** No secret is in the text, in whatever writing. */
function holdsNone(text: string, more: readonly string[] = []): void {
  const base64 = [DATABASE, CURSOR, BROKER, `\0user\0${BROKER}`].map((it) =>
    Buffer.from(it).toString("base64")
  );
  for (const hidden of [WORD, ...base64, ...more]) {
    const at = text.indexOf(hidden);
    assert.ok(at < 0, `"${hidden}" is shown: …${text.slice(Math.max(0, at - 200), at + 100)}`);
  }
}

/** Services in which every login needs its secret. */
async function rigWithLogins() {
  const rig = await AgentRig.start({ simulator: true }, { own: true });
  const [user, cursorUser] = [await rig.createUser(DATABASE), await rig.createUser(CURSOR)];
  await rig.rabbitmq.ctl("add_user", "user", BROKER);
  await rig.rabbitmq.ctl("set_permissions", "user", ".*", ".*", ".*");
  await rig.sql(
    `CREATE TABLE ${rig.name} (a INT PRIMARY KEY)`,
    `INSERT INTO ${rig.name} VALUES (1)`,
    `GRANT admin TO ${user.name}`,
    `GRANT admin TO ${cursorUser.name}`,
  );
  const broker = new URL(rig.rabbitmq.url);
  broker.username = "user";
  broker.password = encodeURIComponent(BROKER);
  const env = { ...TRACE, AMQP_HEADER: `token=${HEADER}`, CURSOR_DATABASE_URL: cursorUser.url };
  return Object.assign(rig, { env: { ...env, DATABASE_URL: user.url, AMQP_ADDR: broker.href } });
}

for (const LOG_FORMAT of ["json", "pretty"]) {
  Deno.test(`no secret is in logs (${LOG_FORMAT}, trace), pages, metrics or the process's title, come what may`, async () => {
    await using rig = await rigWithLogins();
    await using toDatabase = await TcpProxy.start(rig.cockroach.url);
    await using toBroker = await TcpProxy.start(rig.rabbitmq.url);
    const file = await Deno.makeTempFile();
    await Deno.writeTextFile(file, `${toDatabase.through(rig.env.DATABASE_URL)}\n`);
    const env = {
      ...rig.env,
      LOG_FORMAT,
      DATABASE_URL: "",
      DATABASE_URL_FILE: file,
      CURSOR_DATABASE_URL: toDatabase.through(rig.env.CURSOR_DATABASE_URL),
      AMQP_ADDR: toBroker.through(rig.env.AMQP_ADDR),
      PROMETHEUS_ADDR: `127.0.0.1:${freePort()}`,
    };
    await using agent = await rig.agent({ env });
    const seen = () => shownBy(agent, env.PROMETHEUS_ADDR);
    const says = (what: RegExp) => agent.prints(what);
    await says(/The initial scan is confirmed/);
    holdsNone(await seen());
    toDatabase.refuse();
    toDatabase.cut();
    await says(/SourceUnreachable/);
    holdsNone(await seen());
    await toDatabase.accept();
    toBroker.refuse();
    toBroker.cut();
    await says(/BrokerUnreachable/);
    holdsNone(await seen());
    await toBroker.accept();
    await rig.rabbitmq.ctl("change_password", "user", "another");
    toBroker.cut();
    assert.equal(await agent.exit, 1);
    assert.match(await agent.output(), /BrokerDenied/);
    holdsNone(await agent.output());
    await Deno.remove(file);
  });
}

Deno.test("no secret is shown when a connection or login fails", async () => {
  await using rig = await rigWithLogins();
  await using authority = await TestAuthority.create();
  const { certPath, keyPath, key } = await authority.certify("user");
  const changed = (url: string, change: (url: URL) => void) => {
    const other = new URL(url);
    change(other);
    return other.href;
  };
  const { DATABASE_URL, CURSOR_DATABASE_URL, AMQP_ADDR } = rig.env;
  const wrong = (url: URL) => url.password = encodeURIComponent(secret("wrong"));
  const refused = (url: URL) => url.port = String(freePort());
  const FAILURES: readonly (readonly [kind: string, env: Record<string, string>])[] = [
    ["SourceDenied", { DATABASE_URL: changed(DATABASE_URL, wrong) }],
    ["SourceDenied", { CURSOR_DATABASE_URL: changed(CURSOR_DATABASE_URL, wrong) }],
    ["BrokerDenied", { AMQP_ADDR: changed(AMQP_ADDR, wrong) }],
    ["SourceUnreachable", { DATABASE_URL: changed(DATABASE_URL, refused) }],
    ["SourceUnreachable", { DATABASE_URL: changed(DATABASE_URL, (url) => url.hostname = "nowhere.invalid") }],
    ["BrokerUnreachable", { AMQP_ADDR: changed(AMQP_ADDR, refused) }],
    ["TableMissing", { DATABASE_URL: changed(DATABASE_URL, (url) => url.pathname = "/nothing") }],
    ["SourceDenied", {
      DATABASE_URL: changed(DATABASE_URL, ({ searchParams }) => searchParams.set("sslmode", "require")),
    }],
    ["BrokerDenied", {
      AMQP_ADDR: AMQP_ADDR.replace("amqp:", "amqps:"),
      AMQP_TLS_CERT: certPath,
      AMQP_TLS_KEY: keyPath,
    }],
  ];
  const keyLine = key.split("\n")[5]!;
  for (const [kind, env] of FAILURES) {
    await using agent = await rig.agent({ env: { ...rig.env, ...env } });
    const line = await agent.said((line) => line.kind === kind);
    if (line.level !== "error") holdsNone(await shownBy(agent));
    agent.signal("SIGTERM");
    await agent.exit;
    holdsNone(await agent.output(), [keyLine]);
  }
});

Deno.test("no secret is shown by problems of settings, wherever a URL ends up, nor by --help", async () => {
  const urls = [
    `postgresql://u:${WORD}@[host/db`,
    `amqp://u:${WORD}@host:99999/`,
    `mysql://u:${WORD}@host`,
    `postgresql://u:${WORD}/x@host/db`,
    `postgresql://u:a b@${WORD}:${WORD}@host:port/db`,
    `postgresql://u:${WORD}`,
    `u:${WORD}@host`,
  ];
  const settings: Setting[] = Object.values(SETTINGS);
  for (const url of urls) {
    const variables = settings.filter(({ secret }) => secret || url.includes("://"));
    const env = Object.fromEntries(variables.map((setting) => [setting.env, url]));
    await using byVariables = await AgentProcess.start({ env });
    const { code, output } = await byVariables.end();
    assert.equal(code, 2, output);
    holdsNone(output);
  }
  const url = `postgresql://u:${WORD}@host/db`;
  const flags = settings.filter((setting) => !isSwitch(setting)).flatMap((setting) =>
    flagName(setting) ?? []
  );
  const env = { DATABASE_URL: url, AMQP_ADDR: `amqp://u:${WORD}@host`, AMQP_QUEUE: "q" };
  await using byFlags = await AgentProcess.start({ args: flags.flatMap((flag) => [flag, url]), env });
  const { code, output } = await byFlags.end();
  assert.equal(code, 2, output);
  holdsNone(output);
  await using help = await AgentProcess.start({ args: ["--help"], env });
  const shown = await help.end();
  assert.equal(shown.code, 0);
  assert.match(shown.output, /DATABASE_URL/);
  holdsNone(shown.output);
});

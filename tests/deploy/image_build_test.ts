import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { SETTINGS } from "../../src/settings/settings.ts";
import { AgentRig } from "../support/agent_rig.ts";
import { freePort, until } from "../support/ports.ts";
import { say } from "../support/terminal.ts";
import { baseImagesObstacle } from "./base_images.ts";
import { BuiltImage } from "./built_image.ts";
import { DockerEngine } from "./docker_engine.ts";
import { ImageContainer } from "./image_container.ts";

const README = new URL("../../README.md", import.meta.url);
const PROGRAM = "/usr/local/bin/crdb-changefeed-publisher";
const ROWS = 2000;
/** Half of the memory that README gives it; checks come often, so that nobody waits for them. */
const HARDER = ["--memory", "256m", "--health-interval", "1s", "--health-retries", "1"];

const obstacle = await DockerEngine.obstacle() ?? await baseImagesObstacle();
if (obstacle !== undefined) say(`image: ${obstacle}: the Dockerfile is not built, nor its image run`);
const ignore = obstacle !== undefined;

let image: BuiltImage;
Deno.test.beforeAll(async () => {
  if (!ignore) image = await BuiltImage.build();
});
Deno.test.afterAll(async () => {
  await image?.[Symbol.asyncDispose]();
});

/** Starts what README tells to start, with the settings of a test and on this machine's network. */
async function start(settings: Readonly<Record<string, string>>): Promise<ImageContainer> {
  const readme = await Deno.readTextFile(README);
  const command = /docker run --detach --name orders ((?:.*\\\n)*.*) crdb-changefeed-publisher\n/;
  const options = (command.exec(readme)?.[1] ?? "").split(/[\s\\]+/);
  const expected = ["--env-file", "--read-only", "--cap-drop", "--security-opt", "--stop-timeout"];
  assert.deepEqual(expected.filter((option) => !options.includes(option)), []);
  const file = await Deno.makeTempFile({ prefix: "changefeed-test-" });
  try {
    const lines = Object.entries(settings).map((pair) => `${pair.join("=")}\n`);
    await Deno.writeTextFile(file, lines.join(""));
    const own = options.map((option) => option === "orders.env" ? file : option);
    const args = [...own, "--network", "host", ...HARDER, image.name];
    return await ImageContainer.start(image.engine, args);
  } finally {
    await Deno.remove(file);
  }
}

Deno.test({
  name: "docker build makes an image of one program more than its base, without a shell, not run as root",
  ignore,
  async fn() {
    const [built, base] = JSON.parse(
      await image.engine.docker(["image", "inspect", image.name, image.base]),
    );
    assert.deepEqual(built.RootFS.Layers.slice(0, -1), base.RootFS.Layers);
    const { User, Entrypoint, Cmd, ExposedPorts, StopSignal, Healthcheck, Labels } = built.Config;
    assert.deepEqual({ User, Entrypoint, StopSignal }, {
      User: "65532:65532",
      Entrypoint: [PROGRAM],
      StopSignal: "SIGTERM",
    });
    assert.equal(Cmd?.length ?? 0, 0);
    assert.deepEqual(Object.keys(ExposedPorts), [SETTINGS.http.default.replace(/.*:/, "") + "/tcp"]);
    assert.deepEqual(Healthcheck.Test, ["CMD", PROGRAM, "health"]);
    const label = (name: string) => Labels[`org.opencontainers.image.${name}`];
    assert.equal(label("title"), "crdb-changefeed-publisher");
    assert.equal(label("licenses"), manifest.license);
    assert.equal(label("version"), manifest.version);
    assert.equal(label("revision"), image.revision);
    assert.equal(label("base.name"), image.base);

    const shell = ["run", "--rm", "--entrypoint", "/bin/sh", image.name, "-c", ":"];
    const { code, output } = await image.engine.attempt(shell);
    assert.equal(code, 127, output);
    const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
    say(`image: ${megabytes(built.Size)}, ${megabytes(base.Size)} of them its base`);
  },
});

Deno.test({
  name: "the image tells its version and its flags, and with exit code 2 what is missing",
  ignore,
  async fn() {
    const [version, help, nothing] = await Promise.all([
      image.run("--version"),
      image.run("--help"),
      image.run(),
    ]);
    assert.deepEqual(version, { code: 0, output: `crdb-changefeed-publisher ${manifest.version}\n` });
    assert.equal(help.code, 0);
    assert.match(help.output, /DATABASE_URL_FILE/);
    assert.equal(nothing.code, 2);
    const required = ["CHANGEFEED_TABLE", "DATABASE_URL", "AMQP_ADDR", "AMQP_QUEUE"];
    assert.deepEqual(required.filter((name) => !nothing.output.includes(name)), []);
  },
});

Deno.test({
  name:
    "a container, started as README says, publishes every row, is healthy, and stops with its cursor stored",
  ignore,
  async fn() {
    await using rig = await AgentRig.start();
    await rig.sql(`CREATE TABLE ${rig.name} (a INT PRIMARY KEY)`);
    await using reader = await rig.reader();
    const started = Date.now();
    await using container = await start(rig.environment({
      CHANGEFEED_TABLE: rig.name,
      DATABASE_URL: rig.cockroach.url.replace("127.0.0.1", "localhost"), // there is a resolver
      PROMETHEUS_ADDR: `127.0.0.1:${freePort()}`,
    }));
    const ends = container.failIfEnds();
    await Promise.race([container.health("healthy"), ends]);
    const healthy = Date.now() - started;

    const rows = Array.from({ length: ROWS }, (_, index) => `(${index})`);
    await rig.sql(`INSERT INTO ${rig.name} VALUES ${rows.join()}`);
    await Promise.race([reader.count(ROWS), ends]);
    assert.equal(new Set(reader.bodies).size, ROWS);
    const used = await container.command("stats", "--no-stream", "--format", "{{.MemUsage}}");

    const stopped = Date.now();
    const { ExitCode, OOMKilled } = await container.stop();
    const stop = Date.now() - stopped;
    assert.equal(ExitCode, 0, await container.log());
    assert.equal(OOMKilled, false);
    await assert.rejects(ends, /exit code 0/);
    assert.ok(stop < 10_000, `${stop} ms`);
    assert.match(await container.log(), /Stopped as asked/);
    assert.match(String(await rig.cursor()), /^\d+\.\d+$/);
    assert.equal(await container.command("diff"), ""); // nothing was written
    say(`image: healthy after ${healthy} ms, ${ROWS} rows published with ${used}, stopped in ${stop} ms`);
  },
});

Deno.test({
  name: "a container without its broker stays healthy, since it waits for it; one that hangs does not",
  ignore,
  async fn() {
    await using rig = await AgentRig.start();
    await rig.sql(`CREATE TABLE ${rig.name} (a INT PRIMARY KEY)`);
    const address = `127.0.0.1:${freePort()}`;
    await using container = await start(rig.environment({
      CHANGEFEED_TABLE: rig.name,
      AMQP_ADDR: `amqp://127.0.0.1:${freePort()}`,
      PROMETHEUS_ADDR: address,
    }));
    const ask = async (path: string) => {
      const answer = await fetch(`http://${address}${path}`);
      return { status: answer.status, body: await answer.text() };
    };
    await until("the outage", 30_000, async () => {
      return (await ask("/metrics")).body.includes('reason="BrokerUnreachable"') || undefined;
    });
    const { ExitCode, Output } = await container.nextCheck();
    assert.equal(ExitCode, 0, Output);
    assert.match(Output, /^healthy: /);
    assert.equal((await ask("/readyz")).status, 503);

    await container.command("kill", "--signal", "STOP");
    await container.health("unhealthy");
    await container.command("kill", "--signal", "CONT");
    assert.equal((await container.stop()).ExitCode, 0, await container.log());
  },
});

import assert from "node:assert/strict";
import { AgentRig } from "../support/agent_rig.ts";
import { compile } from "../support/compile.ts";
import { findProgram } from "../support/guarded_process.ts";
import { freePort } from "../support/ports.ts";
import { say } from "../support/terminal.ts";
import { BASE_LIBRARIES, Container, librariesOf } from "./container.ts";

/** Of Debian 12, which the image's base is made of: an executable that needs a newer one does not start there. */
const NEWEST_GLIBC = 36;

const isLinux = Deno.build.os === "linux";
const programs = await Promise.all(
  ["unshare", "nsenter", "chroot"].map((name) => findProgram(name, ["/usr/sbin"])),
);
const cannotContain = !isLinux || Deno.uid() !== 0 || programs.includes(undefined);
if (cannotContain) {
  say("container: namespaces need Linux, root and util-linux: the image's life is not tested");
}

Deno.test({
  name: "the executable needs no library that the image's base lacks",
  ignore: !isLinux,
  async fn() {
    const executable = await compile();
    const names = (await librariesOf(executable)).map(({ name }) => name);
    assert.ok(names.includes("libc.so.6"), names.join());
    assert.deepEqual(names.filter((name) => !BASE_LIBRARIES.includes(name)), []);
    const text = new TextDecoder("latin1").decode(await Deno.readFile(executable));
    const versions = [...text.matchAll(/GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor));
    assert.ok(versions.length > 0 && Math.max(...versions) <= NEWEST_GLIBC, String(Math.max(...versions)));
    say(`container: linked with ${names.join(" ")}, glibc 2.${Math.max(...versions)} or later`);
  },
});

Deno.test({
  name: "the image's program lists what is missing where its environment is empty",
  ignore: cannotContain,
  async fn() {
    await using container = await Container.start(await compile(), []);
    assert.equal(await container.exit, 2);
    const output = await container.output();
    const required = ["CHANGEFEED_TABLE", "DATABASE_URL", "AMQP_ADDR", "AMQP_QUEUE"];
    assert.deepEqual(required.filter((name) => !output.includes(name)), []);
  },
});

Deno.test({
  name: "the image's program does the main job as process 1, as nobody, on a read-only file system",
  ignore: cannotContain,
  async fn() {
    await using rig = await AgentRig.start();
    await rig.sql(`CREATE TABLE ${rig.name} (a INT PRIMARY KEY)`);
    const env = rig.environment({
      CHANGEFEED_TABLE: rig.name,
      DATABASE_URL: rig.cockroach.url.replace("127.0.0.1", "localhost"), // there is a resolver
      PROMETHEUS_ADDR: `127.0.0.1:${freePort()}`,
    });
    await using reader = await rig.reader();
    await using container = await Container.start(await compile(), [], env);
    const files = await container.files();
    await rig.sql(`INSERT INTO ${rig.name} VALUES (1)`);
    const ended = container.exit.then(async () => assert.fail(await container.output()));
    await Promise.race([reader.count(1), ended]);
    ended.catch(() => {}); // from here on it may end

    assert.match(await container.proc("status"), /^Uid:\t65532\t65532\t65532\t65532$/m);
    assert.match(await container.proc("status"), /^CapEff:\t0+$/m);
    assert.match(await container.proc("mountinfo"), / \/ ro[, ]/);
    const { code, output } = await container.exec(["health"]);
    assert.equal(code, 0, output);
    assert.match(output, /^healthy: /);
    const processes = await container.processes();
    assert.deepEqual(Object.keys(processes), ["1"]);
    assert.notEqual(processes["1"], "Z");

    await container.signal("SIGTERM");
    assert.equal(await container.exit, 0);
    assert.match(await container.output(), /Stopped as asked/);
    assert.deepEqual(await container.files(), files);
    say(
      "container: one message published, healthy, no zombie, nothing written, stopped by SIGTERM with exit code 0",
    );
  },
});

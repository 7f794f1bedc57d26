import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { parseDuration } from "../../src/settings/duration.ts";
import type { Setting } from "../../src/settings/setting.ts";
import { SETTINGS } from "../../src/settings/settings.ts";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string) => Deno.readTextFile(new URL(path, ROOT));
const captures = (text: string, pattern: RegExp) =>
  [...text.matchAll(pattern)].map(([, found]) => found ?? "");
const PORT = SETTINGS.http.default.split(":").at(-1) ?? "";

Deno.test("the image and the run of a clean checkout take the same Deno", async () => {
  const image = captures(await read("Dockerfile"), /^FROM denoland\/deno:(\S+)/gm);
  const checkout = captures(await read(".ci/run"), /^version=(\S+)/gm);
  assert.match(image.join(), /^\d+\.\d+\.\d+$/);
  assert.deepEqual(image, checkout);
});

Deno.test("the image holds one program, without a shell, run by a user that is not root", async () => {
  const dockerfile = await read("Dockerfile");
  const final = dockerfile.slice(dockerfile.lastIndexOf("\nFROM "));
  assert.match(final, /^FROM gcr\.io\/distroless\/cc-debian12:nonroot$/m);
  assert.match(final, /^USER 65532:65532$/m);
  assert.match(final, /^ENTRYPOINT \["\/usr\/local\/bin\/crdb-changefeed-publisher"\]$/m);
  assert.match(final, /^HEALTHCHECK .*CMD \["\/usr\/local\/bin\/crdb-changefeed-publisher", "health"\]$/m);
  assert.deepEqual(captures(final, /^EXPOSE (\d+)$/gm), [PORT]);
  assert.doesNotMatch(final, /^RUN /m);
});

Deno.test("the image is built by the task that the tests use, from files that are not ignored", async () => {
  const ignored = (await read(".dockerignore")).split("\n");
  assert.match(await read("Dockerfile"), /^RUN deno task compile$/m);
  assert.match(manifest.tasks.compile.command, / tests\/support\/compile\.ts$/);
  const needed = ["!src", "!tests/support/*.ts", "!deno.json", "!deno.lock"];
  assert.deepEqual(ignored.filter((line) => line !== "").sort(), ["*", ...needed].sort());
});

Deno.test("the Deployment sets variables that exist, and every one that is required", async () => {
  const env = new Set(Object.values<Setting>(SETTINGS).map((setting) => setting.env));
  const deployment = captures(await read(".kube/deployment.yaml"), /- name: ([A-Z_]+)$/gm);
  const secret = captures(await read(".kube/secret.example.yaml"), /^ +([A-Z_]+): /gm);
  const given = [...deployment, ...secret];
  assert.deepEqual(given.filter((name) => !env.has(name)), []);
  const required = ["CHANGEFEED_TABLE", "DATABASE_URL", "AMQP_ADDR", "AMQP_QUEUE"];
  assert.deepEqual(required.filter((name) => !given.includes(name)), []);
});

Deno.test("the Deployment waits longer for an end than the program does", async () => {
  const deployment = await read(".kube/deployment.yaml");
  const [seconds] = captures(deployment, /terminationGracePeriodSeconds: (\d+)/g);
  assert.ok(Number(seconds) * 1000 > (parseDuration(SETTINGS.drainTimeout.default) ?? Infinity));
});

Deno.test("the manifests agree on the port and on the secret's name", async () => {
  const deployment = await read(".kube/deployment.yaml");
  const service = await read(".kube/service.yaml");
  const secret = await read(".kube/secret.example.yaml");
  assert.deepEqual(captures(deployment, /containerPort: (\d+)/g), [PORT]);
  assert.deepEqual(captures(deployment, /prometheus\.io\/port: "(\d+)"/g), [PORT]);
  assert.deepEqual(captures(service, /- name: http\n\s+port: (\d+)/g), [PORT]);
  assert.deepEqual(
    captures(deployment, /secretRef:\n\s+name: (\S+)/g),
    captures(secret, /metadata:\n\s+name: (\S+)/g),
  );
});

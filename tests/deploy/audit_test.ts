import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { run } from "../support/guarded_process.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
/** What Deno 2.9.6 asks: POST with every package and its versions, `{"pg":["8.23.1"],…}`. */
const BULK = "/-/npm/v1/security/advisories/bulk";
const INFO = "https://github.com/advisories/GHSA-0000-0000-0000";

interface Advisory {
  readonly severity: string;
  /** Deno compares it with the versions itself. */
  readonly vulnerable_versions: string;
}

const lock: { readonly npm: object } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.lock`));
/** By name, the versions in deno.lock: of production and of tests. */
const locked: Record<string, string[]> = {};
for (const key of Object.keys(lock.npm)) {
  const [, name = "", version = ""] = /^(@?[^@]+)@([^_]+)/.exec(key) ?? [];
  locked[name] = [...locked[name] ?? [], version];
}
const version = locked["pg"]?.[0];

/** A registry that knows advisories by package as npm's does, or gives the answer it is told to; it keeps what it was asked. */
class Registry implements AsyncDisposable {
  readonly asked: { readonly path: string; readonly packages: Record<string, string[]> }[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(known: Readonly<Record<string, Advisory>> | Response) {
    this.#server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
      const packages = await request.json();
      this.asked.push({ path: `${request.method} ${new URL(request.url).pathname}`, packages });
      if (known instanceof Response) return known;
      const found = Object.entries(known).filter(([name]) => name in packages).map(([name, advisory]) =>
        [name, [{ id: 1, url: INFO, title: "Something is wrong", cwe: [], ...advisory }]] as const
      );
      return Response.json(Object.fromEntries(found));
    });
  }

  /**
   * Runs what the project's task runs (`deno task` itself would take the packages from this registry first). Resolves
   * with what it prints; rejects where its exit code is not 0.
   */
  audit(): Promise<string> {
    const [program, ...args] = manifest.tasks.audit.command.split(" ");
    assert.equal(program, "deno");
    const registry = `http://127.0.0.1:${this.#server.addr.port}`;
    const env = { NPM_CONFIG_REGISTRY: registry, NO_PROXY: "127.0.0.1", NO_COLOR: "1" };
    return run(Deno.execPath(), args, { cwd: ROOT, env });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.shutdown();
  }
}

Deno.test("the task audit asks for every package of deno.lock, and passes when nothing is known", async () => {
  await using registry = new Registry({});
  assert.match(await registry.audit(), /No known vulnerabilities found/);
  assert.deepEqual(registry.asked, [{ path: `POST ${BULK}`, packages: locked }]);
  assert.ok("pg" in locked && "fast-check" in locked, "production and tests");
});

Deno.test("the task audit passes when what is known is of other versions", async () => {
  await using registry = new Registry({ pg: { severity: "critical", vulnerable_versions: `<${version}` } });
  assert.match(await registry.audit(), /No known vulnerabilities found/);
});

Deno.test("the task audit fails and names package and versions when something is known, however severe", async () => {
  for (const severity of ["low", "moderate", "high", "critical"]) {
    await using registry = new Registry({
      pg: { severity, vulnerable_versions: `<=${version}` },
      hono: { severity, vulnerable_versions: "<0.0.1" },
    });
    await assert.rejects(registry.audit(), ({ message }: Error) => {
      for (const said of ["exit code 1", `1 ${severity}`, "Package:    pg\n", `<=${version}`, INFO]) {
        assert.ok(message.includes(said), `"${said}" is not in ${message}`);
      }
      return !message.includes("hono");
    });
  }
});

Deno.test("the task audit fails when the registry does not answer the question", async () => {
  for (const answer of [new Response(null, { status: 503 }), new Response("<html>")]) {
    await using registry = new Registry(answer);
    await assert.rejects(registry.audit(), /exit code 1[^]*response from the npm registry/);
    assert.equal(registry.asked.length, 1);
  }
  const gone = new Registry({});
  await gone[Symbol.asyncDispose]();
  await assert.rejects(gone.audit(), /exit code 1[^]*error sending request/);
});

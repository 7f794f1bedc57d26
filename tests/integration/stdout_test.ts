import assert from "node:assert/strict";
import pg from "pg";
import { agentCommand } from "../support/agent_process.ts";
import { AgentRig } from "../support/agent_rig.ts";
import { freePort, until } from "../support/ports.ts";

async function rigWithRows(count: number): Promise<AgentRig> {
  const rig = await AgentRig.start();
  await rig.sql(
    `CREATE TABLE ${rig.name} (a INT PRIMARY KEY)`,
    `INSERT INTO ${rig.name} SELECT g FROM generate_series(1, ${count}) g`,
  );
  return rig;
}

/** The reader of the output is gone, and that is nobody's fault. */
function assertEndedCleanly(log: string): void {
  const lines = log.trimEnd().split("\n").map((line) => JSON.parse(line));
  const { level, message } = lines.at(-1);
  assert.deepEqual([level, message], ["info", "The reader of stdout is gone: stopped"], log);
  assert.deepEqual(lines.filter(({ level }) => level === "error"), []);
}

/** An agent whose standard output is a pipe. */
class PipedAgent {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #log: Promise<string>;
  #rest = "";

  constructor(rig: AgentRig, port = 0, ...more: readonly string[]) {
    const { command, args, env } = agentCommand({
      args: ["--table", rig.name, "--queue", "stdout", ...more],
      env: { ...rig.environment(), AMQP_ADDR: "", AMQP_QUEUE: "", PROMETHEUS_ADDR: `127.0.0.1:${port}` },
    });
    this.#child = new Deno.Command(command, {
      args,
      env,
      clearEnv: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#log = new Response(this.#child.stderr).text();
  }

  /** The next lines that it prints. */
  async read(count: number): Promise<string[]> {
    while (this.#rest.split("\n").length <= count) {
      const { value, done } = await this.#lines.read();
      if (done) throw new Error(`the agent ended after "${this.#rest}"\n${await this.#log}`);
      this.#rest += value;
    }
    const lines = this.#rest.split("\n");
    this.#rest = lines.slice(count).join("\n");
    return lines.slice(0, count);
  }

  /** Goes away, as `head` does. */
  async closePipe(): Promise<void> {
    await this.#lines.cancel();
  }

  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Exit code and log; one that does not end is killed, and has another code than the test expects. */
  async end(deadline = 30_000): Promise<{ readonly code: number; readonly log: string }> {
    const timer = setTimeout(() => this.signal("SIGKILL"), deadline);
    const { code } = await this.#child.status;
    clearTimeout(timer);
    return { code, log: await this.#log };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#lines.cancel();
    await this.end();
  }
}

Deno.test("--queue stdout prints one body a line and nothing else, and goes on from the cursor", async () => {
  await using rig = await rigWithRows(2);
  const body = (key: number) => `{"table":"${rig.name}","key":"[${key}]","value":{"after": {"a": ${key}}}}`;
  {
    await using agent = new PipedAgent(rig);
    assert.deepEqual(await agent.read(2), [body(1), body(2)]);
    agent.signal("SIGTERM");
    assert.equal((await agent.end()).code, 0);
  }
  await rig.sql(`INSERT INTO ${rig.name} VALUES (3)`);
  await using agent = new PipedAgent(rig);
  assert.deepEqual(await agent.read(1), [body(3)]);
  agent.signal("SIGTERM");
  const { code, log } = await agent.end();
  assert.equal(code, 0, log);
  assert.ok(!log.includes(body(3)), log);
});

Deno.test("--emit-resolved prints watermarks too", async () => {
  await using rig = await rigWithRows(1);
  await using agent = new PipedAgent(rig, 0, "--emit-resolved", "--initial-scan", "only");
  const [row, watermark] = await agent.read(2);
  assert.equal(JSON.parse(row ?? "").key, "[1]");
  assert.match(watermark ?? "", /^{"resolved":"\d{19}\.\d{10}"}$/);
  assert.equal((await agent.end()).code, 0);
});

Deno.test("a reader that goes away, as head does, ends the agent cleanly; the rest comes with the next start", async () => {
  const rows = 20_000;
  await using rig = await rigWithRows(rows);
  {
    await using agent = new PipedAgent(rig);
    await agent.read(5);
    await agent.closePipe();
    const { code, log } = await agent.end();
    assert.equal(code, 0, log);
    assertEndedCleanly(log);
  }
  await using agent = new PipedAgent(rig);
  // What the pipe had taken counts as printed.
  let key = "";
  while (key !== `[${rows}]`) key = JSON.parse((await agent.read(1))[0] ?? "").key;
  agent.signal("SIGTERM");
  assert.equal((await agent.end()).code, 0);
});

Deno.test("| head -n 5 gets five messages and ends the agent, without a broker and without a table for cursors", async () => {
  await using rig = await rigWithRows(20);
  const database = `${rig.name}_only`;
  await rig.sql(
    `CREATE DATABASE ${database}`,
    `CREATE TABLE ${database}.public.foo (a INT PRIMARY KEY)`,
    `INSERT INTO ${database}.public.foo SELECT g FROM generate_series(1, 20) g`,
  );
  const url = new URL(rig.cockroach.url);
  url.pathname = database;
  const { command, args, env } = agentCommand({
    args: ["--table", "foo", "--queue", "stdout", "--cursor-store", "none"],
    env: { DATABASE_URL: url.href, LOG_LEVEL: "info" },
  });
  const shell = '{ "$@"; echo "exit code $?" >&2; } | head -n 5';
  const { stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", shell, "sh", command, ...args],
    env,
    clearEnv: true,
    stdin: "null",
    signal: AbortSignal.timeout(60_000),
  }).output();
  const [lines = "", log = ""] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  const keys = lines.trimEnd().split("\n").map((line) => JSON.parse(line).key);
  assert.deepEqual(keys, ["[1]", "[2]", "[3]", "[4]", "[5]"], log);
  assert.match(log, /\nexit code 0\n$/);
  assertEndedCleanly(log.replace(/exit code 0\n$/, ""));
  const other = new pg.Client(url.href);
  await other.connect();
  await assert.rejects(other.query("SELECT * FROM cursor_store"), { code: "42P01" });
  await other.end();
  await rig.sql(`DROP DATABASE ${database} CASCADE`);
});

Deno.test("a reader that pauses stops the printing, but neither HTTP nor SIGTERM", async () => {
  await using rig = await rigWithRows(20_000);
  const port = freePort();
  await using agent = new PipedAgent(rig, port, "--drain-timeout", "500ms");
  let sent = "", stuck = 0;
  await until("a full pipe", 20_000, async () => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const now = /^rabbitmq_messages_sent [1-9]\d*$/m.exec(text)?.[0] ?? "none";
    stuck = now === sent ? stuck + 1 : 0;
    sent = now;
    return sent !== "none" && stuck >= 5 ? true : undefined;
  });
  agent.signal("SIGTERM");
  const { code, log } = await agent.end();
  assert.equal(code, 1, log);
  assert.match(log, /"kind":"DrainIncomplete"/);
});

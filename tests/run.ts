import { Cockroach } from "./support/cockroach.ts";
import { RabbitMQ } from "./support/rabbitmq.ts";
import { print, say } from "./support/terminal.ts";

/** Folders in the order of speed: what is wrong shows early. Faults and times want the machine for themselves. */
const SUITES = [
  { folders: ["tests/unit", "tests/recorded", "tests/simulation", "tests/deploy"], parallel: true },
  { folders: ["tests/integration", "tests/browser"], parallel: true },
  { folders: ["tests/fault", "tests/binary"], parallel: false },
  { folders: ["tests/bench"], parallel: false },
];

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Runs one `deno test`, shows what it prints, and reads its last line: `ok | 12 passed (3 steps) | 0 failed`. */
async function runSuite(args: readonly string[], env: Record<string, string>): Promise<Counts> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", ...args],
    env: { ...env, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let end = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    Deno.stdout.writeSync(new TextEncoder().encode(text));
    end = (end + text).slice(-4000);
  }
  const { success } = await child.status;
  const number = (what: string) =>
    Number(end.match(new RegExp(`\\| (\\d+) ${what}`, "g"))?.at(-1)?.match(/\d+/)?.[0] ?? 0);
  const passed = Number(end.match(/(?:ok|FAILED) \| (\d+) passed/g)?.at(-1)?.match(/\d+/)?.[0] ?? 0);
  const failed = number("failed");
  // A run that ends without counting, such as a type error, is a failure too.
  return { passed, failed: success ? failed : Math.max(failed, 1), skipped: number("ignored") };
}

async function main(args: readonly string[]): Promise<number> {
  const started = Date.now();
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  say("rig: starting RabbitMQ and CockroachDB");
  const [broker, cockroach] = await Promise.all([RabbitMQ.start(), Cockroach.start()]);
  say(`rig: RabbitMQ (${broker.origin}) and CockroachDB (${cockroach.origin}) are up`);
  const env = { AMQP_URL: broker.url, ...cockroach.environment };
  try {
    for (const { folders, parallel } of SUITES) {
      const found = folders.filter((folder) => exists(folder));
      if (found.length === 0) continue;
      const counts = await runSuite([...(parallel ? ["--parallel"] : []), ...args, ...found], env);
      total.passed += counts.passed;
      total.failed += counts.failed;
      total.skipped += counts.skipped;
    }
  } finally {
    await Promise.all([broker.stop(), cockroach.stop()]);
    say(`rig: all services are down, ${Math.round((Date.now() - started) / 1000)} s`);
  }
  print(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed === 0 ? 0 : 1;
}

function exists(folder: string): boolean {
  try {
    return Deno.statSync(folder).isDirectory;
  } catch {
    return false;
  }
}

Deno.exit(await main(Deno.args));

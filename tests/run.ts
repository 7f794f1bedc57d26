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

/** Tests on one RabbitMQ. */
interface Round {
  /** Major version of the broker; `undefined`: whichever is found first. */
  readonly rabbitmq: number | undefined;
  /** Folders and files of tests; none: all. */
  readonly paths: readonly string[];
}

/** Runs what meets the broker on RabbitMQ 4 too. */
const BOTH_BROKERS = "--both-brokers";

/**
 * Tests of integration and of faults whose subject is not the broker: they would only see the same again. Those of a
 * cluster take minutes, so that CI has time for one version.
 */
const SAME_ON_EVERY_BROKER =
  /^(alerts|bad_cursor|capture|checker|cluster|cockroach|completion|cursor|dashboard|dev|expired|feed|http|manual|opentelemetry|privileges|schema|silence|stdout|table)_/;

/** Files of tests in the folder, and its own folders. */
function testFiles(folder: string): string[] {
  return [...Deno.readDirSync(folder)]
    .filter(({ name, isDirectory }) => isDirectory || /_test\.ts$/.test(name))
    .map(({ name }) => `${folder}/${name}`);
}

function onRabbitMQ4(): Round {
  const paths = ["tests/integration", "tests/fault"].flatMap(testFiles)
    .filter((path) => !SAME_ON_EVERY_BROKER.test(path.slice(path.lastIndexOf("/") + 1)));
  return { rabbitmq: 4, paths };
}

async function main(args: readonly string[]): Promise<number> {
  const started = Date.now();
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  const paths = args.filter((arg) => !arg.startsWith("-") && exists(arg));
  const rounds: Round[] = [{ rabbitmq: undefined, paths }];
  if (args.includes(BOTH_BROKERS)) rounds.push(onRabbitMQ4());
  const options = args.filter((arg) => arg !== BOTH_BROKERS && !paths.includes(arg));
  if (paths.length === 0) options.push(`--ignore=${CLUSTERS.join()}`);
  say("rig: starting CockroachDB");
  const cockroach = await Cockroach.start();
  say(`rig: CockroachDB (${cockroach.origin}) is up`);
  try {
    for (const round of rounds) {
      const counts = await runRound(round, options, cockroach.environment).catch((error: Error) => {
        say(error.message); // no such broker here
        return { passed: 0, failed: 1, skipped: 0 };
      });
      for (const count of ["passed", "failed", "skipped"] as const) total[count] += counts[count];
    }
  } finally {
    await cockroach.stop();
    say(`rig: all services are down, ${Math.round((Date.now() - started) / 1000)} s`);
  }
  print(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed === 0 ? 0 : 1;
}

async function runRound(
  { rabbitmq: version, paths }: Round,
  options: readonly string[],
  services: Record<string, string>,
): Promise<Counts> {
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  const broker = await RabbitMQ.start(version === undefined ? {} : { own: true, version });
  say(`rig: RabbitMQ ${broker.version} (${broker.origin}) is up`);
  const env = {
    ...services,
    AMQP_URL: broker.url,
    ...(version === undefined ? {} : { RABBITMQ: String(version) }),
  };
  try {
    for (const { folders, parallel } of SUITES) {
      const found = folders.flatMap((folder) => testsIn(folder, paths));
      if (found.length === 0) continue;
      const counts = await runSuite([...(parallel ? ["--parallel"] : []), ...options, ...found], env);
      for (const count of ["passed", "failed", "skipped"] as const) total[count] += counts[count];
    }
  } finally {
    await broker.stop();
  }
  return total;
}

/**
 * Left out unless they are named: clusters want the machine for minutes, and the one cut in two with pause_minority failed
 * once in a whole run on two cores, of a cause not found yet.
 */
const CLUSTERS = testFiles("tests/fault").filter((path) => path.startsWith("tests/fault/cluster_"));

/** The folder, or what of it was asked for. */
function testsIn(folder: string, paths: readonly string[]): readonly string[] {
  if (paths.length === 0) return [folder];
  return paths.map((path) => path.replace(/\/$/, "")).filter((path) =>
    path === folder || path.startsWith(`${folder}/`)
  );
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

Deno.exit(await main(Deno.args));

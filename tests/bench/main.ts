import { loadavg } from "node:os";
import { compile } from "../support/compile.ts";
import { print, say } from "../support/terminal.ts";
import { type AgentSetup, BenchRig } from "./bench_rig.ts";
import { chart } from "./chart.ts";
import type { Load, QueueType } from "./load.ts";
import { mean } from "./statistics.ts";
import { measureAdded, measureBroker } from "./latency.ts";
import { describeMachine } from "./machine.ts";
import { readBare } from "./bare_reader.ts";
import { type FeedFigures, markdown, type Report, type ScanFigures, type SteadyFigures } from "./report.ts";
import { measureScan } from "./scan.ts";
import { measureScale, scaleMarkdown } from "./scale.ts";
import { soak } from "./soak.ts";
import { measureStart } from "./start.ts";
import { measureSteady } from "./steady.ts";

const USAGE = `deno task bench [--json]            figures beside their ceilings, as a table or as JSON
deno task bench --save              the same, kept with a chart in tests/bench for the README
deno task bench --scale [--save]    what rows, their size, tables and the window cost (some 8 minutes)
deno task bench --soak [--minutes N] 10 minutes at 5,000 changes/s: what becomes of the memory`;

const RECORD = new URL("report.json", import.meta.url);
const SCALE_RECORD = new URL("scale.json", import.meta.url);
const CHART = new URL("chart.svg", import.meta.url);
const SOURCES: AgentSetup = {};
const ROW = 150, LARGE_ROW = 5_000;
const STEADY_SECONDS = 8;
/** Changes a second that each are a transaction of their own. */
const SINGLE_RATE = 500;
const STARTS = 5;

/** What is scanned: `ceilings` runs of the bare publisher are spread around the agents' runs. */
interface ScanPlan extends Load {
  readonly rowBytes: number;
  readonly agents: readonly (AgentSetup & { readonly who: string })[];
}

function scanPlans(executable: string): ScanPlan[] {
  const sources = { who: "sources", ...SOURCES };
  const load = (queueType: QueueType, window: number, messages: number, rowBytes = ROW) => ({
    queueType,
    window,
    messages,
    rowBytes,
    agents: [sources],
  });
  return [
    {
      ...load("quorum", 1000, 300_000),
      agents: [
        sources,
        { who: "executable", executable },
        { who: "sources, --headers standard", args: ["--headers", "standard"] },
      ],
    },
    load("quorum", 1000, 30_000, LARGE_ROW),
    load("quorum", 100, 60_000),
    load("quorum", 1, 3_000),
    load("classic", 1000, 100_000),
  ];
}

/** Bare publisher and agents in turn, so that what the machine does besides hits both. */
async function runScans(rig: BenchRig, plan: ScanPlan): Promise<ScanFigures[]> {
  const { queueType, window, messages, rowBytes, agents } = plan;
  const ceilings: number[] = [];
  const figures: ScanFigures[] = [];
  for (const { who, ...setup } of agents) {
    const speed = await measureScan(rig, { queueType, window, messages, rowBytes, ...setup });
    ceilings.push((await rig.ceiling(speed.bodyBytes, plan)).rate);
    say(
      `bench: ${queueType}, ${window} in flight, ${rowBytes} B, ${who}: ${Math.round(speed.rate)} msg/s of ${
        Math.round(ceilings.at(-1)!)
      }`,
    );
    figures.push({ who, queueType, window, messages, ...speed, ceiling: 0 });
  }
  const ceiling = mean(ceilings);
  return figures.map((each) => ({ ...each, ceiling }));
}

async function runFeeds(rig: BenchRig): Promise<FeedFigures[]> {
  const figures: FeedFigures[] = [];
  for (const [rows, rowBytes] of [[300_000, ROW], [30_000, LARGE_ROW]] as const) {
    await using table = await rig.table({ rows, bytes: rowBytes });
    figures.push({ rowBytes, ...await readBare({ url: rig.cockroach.url, table: table.name, rows }) });
  }
  return figures;
}

async function runSteady(rig: BenchRig, executable: string): Promise<SteadyFigures[]> {
  const figures: SteadyFigures[] = [];
  const runs = [[1_000, "sources"], [5_000, "sources"], [5_000, "executable"], [10_000, "sources"]] as const;
  for (const [changes, who] of runs) {
    const setup = who === "executable" ? { executable } : SOURCES;
    const speed = await measureSteady(rig, { rate: changes, seconds: STEADY_SECONDS, ...setup });
    say(`bench: ${changes} changes/s, ${who}: p50 ${speed.commitToQueue.p50.toFixed(1)} ms`);
    figures.push({ changes, who, ...speed });
  }
  return figures;
}

async function runAll(loadBefore: number): Promise<Report> {
  const started = performance.now();
  const executable = await compile();
  await using rig = await BenchRig.start();
  const machine = await describeMachine(rig, loadBefore);
  say(`bench: CockroachDB: ${machine.cockroachdb}; the broker's ceiling: ${rig.ceilingName}`);
  const starts = [
    { who: "executable", milliseconds: await measureStart(rig, { executable }, STARTS) },
    { who: "sources", milliseconds: await measureStart(rig, SOURCES, STARTS) },
  ];
  const feeds = await runFeeds(rig);
  const scans: ScanFigures[] = [];
  for (const plan of scanPlans(executable)) scans.push(...await runScans(rig, plan));
  const steady = await runSteady(rig, executable);
  const brokerAlone = await measureBroker(rig, SINGLE_RATE, STEADY_SECONDS);
  const added = await measureAdded(rig, SINGLE_RATE, STEADY_SECONDS);
  const seconds = Math.round((performance.now() - started) / 1000);
  const measured = new Date().toISOString();
  return {
    measured,
    machine,
    ceilingName: rig.ceilingName,
    scans,
    feeds,
    steady,
    added,
    brokerAlone,
    starts,
    seconds,
  };
}

async function runSoak(minutes: number): Promise<void> {
  const executable = await compile();
  await using rig = await BenchRig.start({ bare: true });
  const { messages, growth, peak, rate } = await soak(rig, executable, 5_000, minutes);
  print(
    `${minutes} minutes at ${rate} changes/s: ${messages.toLocaleString("en")} messages, peak ${
      (peak / 1e6).toFixed(0)
    } MB, resident memory ${growth < 0 ? "−" : "+"}${
      Math.abs(growth / 1e6).toFixed(1)
    } MB an hour over the second half`,
  );
}

async function runScale(loadBefore: number, save: boolean): Promise<void> {
  const executable = await compile();
  await using rig = await BenchRig.start({ bare: true });
  const report = await measureScale(rig, executable, loadBefore);
  print(scaleMarkdown(report));
  if (save) await Deno.writeTextFile(SCALE_RECORD, `${JSON.stringify(report, null, 2)}\n`);
}

async function main(args: readonly string[]): Promise<void> {
  if (Deno.build.os !== "linux") throw new Error("bench: CPU and memory are read from /proc: Linux only");
  const after = (flag: string) => args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined;
  if (args.includes("--help")) return print(USAGE);
  if (args.includes("--soak")) return await runSoak(Number(after("--minutes") ?? 10));
  const loadBefore = loadavg()[0] ?? 0;
  if (args.includes("--scale")) return await runScale(loadBefore, args.includes("--save"));
  const report = await runAll(loadBefore);
  say(`bench: ${report.seconds} s`);
  print(args.includes("--json") ? JSON.stringify(report, null, 2) : markdown(report));
  if (!args.includes("--save")) return;
  await Deno.writeTextFile(RECORD, `${JSON.stringify(report, null, 2)}\n`);
  await Deno.writeTextFile(CHART, chart(report));
}

await main(Deno.args);

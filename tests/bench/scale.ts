import type { BenchRig } from "./bench_rig.ts";
import { describeMachine, type Machine } from "./machine.ts";
import { count, machineLine, megabytes, table } from "./report.ts";
import { measureScan } from "./scan.ts";
import { say } from "../support/terminal.ts";

/** One scan: what differs from the others, and what it cost. */
export interface ScalePoint {
  readonly rows: number;
  readonly rowBytes: number;
  readonly tables: number;
  readonly window: number;
  /** Confirmed messages a second. */
  readonly rate: number;
  /** CPU a message in microseconds. */
  readonly cpuPerMessage: number;
  /** The most memory the process ever had, in bytes. */
  readonly peak: number;
}

/** What the executable costs as things grow, one at a time. */
export interface ScaleReport {
  /** When, in ISO 8601. */
  readonly measured: string;
  readonly machine: Machine;
  readonly points: readonly ScalePoint[];
}

type Load = Pick<ScalePoint, "rows" | "rowBytes" | "tables" | "window">;

const USUAL: Load = { rows: 300_000, rowBytes: 150, tables: 1, window: 1000 };
const LOADS: readonly Load[] = [
  ...[10_000, 100_000, 1_000_000, 3_000_000].map((rows) => ({ ...USUAL, rows })),
  ...[[100, 200_000], [1_000, 100_000], [10_000, 20_000], [100_000, 2_000], [1_000_000, 200]].map(
    ([rowBytes = 0, rows = 0]) => ({ ...USUAL, rowBytes, rows }),
  ),
  ...[1, 10, 100].map((tables) => ({ ...USUAL, tables })),
  ...[10, 100, 10_000].map((window) => ({ ...USUAL, window, rows: window < 100 ? 50_000 : USUAL.rows })),
];

/** Scans of ever more rows, larger rows, more tables and wider windows, by the executable. */
export async function measureScale(
  rig: BenchRig,
  executable: string,
  loadBefore: number,
): Promise<ScaleReport> {
  const points: ScalePoint[] = [];
  for (const load of LOADS) {
    const speed = await measureScan(rig, { ...load, messages: load.rows, queueType: "quorum", executable });
    const point = { ...load, rate: speed.rate, cpuPerMessage: speed.cpuPerMessage, peak: speed.peak };
    say(`bench: ${JSON.stringify(point)}`);
    points.push(point);
  }
  return { measured: new Date().toISOString(), machine: await describeMachine(rig, loadBefore), points };
}

/** The report as README shows it. */
export function scaleMarkdown({ measured, machine, points }: ScaleReport): string {
  return [
    machineLine(machine, measured),
    table(
      ["rows", "row", "tables", "in flight", "rows/s", "MB/s", "CPU µs/row", "peak MB"],
      points.map(({ rows, rowBytes, tables, window, rate, cpuPerMessage, peak }) => [
        count(rows),
        `${count(rowBytes)} B`,
        String(tables),
        count(window),
        count(rate),
        (rate * rowBytes / 1e6).toFixed(1),
        cpuPerMessage.toFixed(1),
        megabytes(peak),
      ]),
    ),
  ].join("\n\n");
}

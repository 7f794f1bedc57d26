import type { Machine } from "./machine.ts";
import type { Percentiles } from "./statistics.ts";
import type { ScanSpeed } from "./scan.ts";
import type { SteadySpeed } from "./steady.ts";
import type { Load } from "./load.ts";

/** An initial scan beside the broker's ceiling of the same run. */
export interface ScanFigures extends ScanSpeed, Load {
  /** Who published, and with what setting, if not the default. */
  readonly who: string;
  /** Messages a second of the bare publisher with the same queue type, window and size. */
  readonly ceiling: number;
}

/** Rows a second that a bare reader takes from the feed. */
export interface FeedFigures {
  readonly rowBytes: number;
  readonly rate: number;
}

/** A steady stream. */
export interface SteadyFigures extends SteadySpeed {
  readonly who: string;
  /** Changes a second in the table. */
  readonly changes: number;
}

/** All of one run. */
export interface Report {
  /** When, in ISO 8601. */
  readonly measured: string;
  readonly machine: Machine;
  /** Name of the bare publisher. */
  readonly ceilingName: string;
  readonly scans: readonly ScanFigures[];
  readonly feeds: readonly FeedFigures[];
  readonly steady: readonly SteadyFigures[];
  /** Added to a bare reader of the same feed, at 500 single changes a second. */
  readonly added: Percentiles;
  /** From a bare publisher to a consumer, at the same pace. */
  readonly brokerAlone: Percentiles;
  /** From the start of the process to the first message in the queue, in milliseconds. */
  readonly starts: readonly { readonly who: string; readonly milliseconds: number }[];
  /** How long the benchmark took, in seconds. */
  readonly seconds: number;
}

/** A machine that does other things gives lower figures, and ratios that scatter. */
const QUIET_LOAD_PER_CORE = 0.25;

/** The report as README shows it. */
export function markdown(report: Report): string {
  const { machine, ceilingName, scans, feeds, steady, added, brokerAlone, starts } = report;
  return [
    machineLine(machine, report.measured),
    "Initial scan, with confirms, beside the bare publisher of the same queue type, window and size:",
    table(
      [
        "queue",
        "in flight",
        "body",
        "who",
        `${ceilingName}, msg/s`,
        "msg/s",
        "ratio",
        "CPU µs/msg",
        "peak MB",
      ],
      scans.map((scan) => [
        scan.queueType,
        count(scan.window),
        `${count(scan.bodyBytes)} B`,
        scan.who,
        count(scan.ceiling),
        count(scan.rate),
        (scan.rate / scan.ceiling).toFixed(2),
        scan.cpuPerMessage.toFixed(1),
        megabytes(scan.peak),
      ]),
    ),
    `A bare reader takes ${
      feeds.map(({ rowBytes, rate }) => `${count(rate)} rows/s of ${count(rowBytes)} B`).join(", ")
    } from the feed.`,
    `Steady changes of 150 B from ${machine.cockroachdb}, quorum queue, 1,000 in flight; milliseconds from the commit to a consumer:`,
    table(
      ["changes/s", "who", "msg/s", "CPU µs/msg", "peak MB", "p50", "p99", "p99.9"],
      steady.map((each) => [
        count(each.changes),
        each.who,
        count(each.rate),
        each.cpuPerMessage.toFixed(1),
        megabytes(each.peak),
        ...spread(each.commitToQueue),
      ]),
    ),
    `At 500 single changes a second agent and broker add ${
      spread(added).join(" / ")
    } ms (p50 / p99 / p99.9) to a bare reader of the same feed; the broker alone takes ${
      spread(brokerAlone).join(" / ")
    } ms from a bare publisher to the same consumer.`,
    `Properties: ${
      Math.max(...steady.map(({ propertyBytes }) => propertyBytes))
    } bytes. From the start to the first ` +
    `message in the queue: ${
      starts.map(({ who, milliseconds }) => `${who} ${milliseconds.toFixed(0)} ms`).join(", ")
    }.`,
  ].join("\n\n");
}

/** Where and when it was measured. */
export function machineLine(machine: Machine, measured: string): string {
  const { cpu, cores, memoryGigabytes, deno, rabbitmq, cockroachdb, loadBefore } = machine;
  const busy = loadBefore > QUIET_LOAD_PER_CORE * cores
    ? " **Other work ran on it meanwhile: take the figures for lower bounds, and the ratios with salt.**"
    : "";
  return `${cpu}, ${cores} cores for everything, ${memoryGigabytes} GB; Deno ${deno}, RabbitMQ ${rabbitmq}, ` +
    `CockroachDB: ${cockroachdb}; load before: ${loadBefore.toFixed(1)}; ${measured.slice(0, 10)}.${busy}`;
}

/** A Markdown table with columns of even width, so that it can be read in a terminal too. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(3, ...[head, ...rows].map((row) => (row[column] ?? title).length))
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

function spread({ p50, p99, p999 }: Percentiles): string[] {
  return [p50, p99, p999].map((milliseconds) => milliseconds.toFixed(1));
}

/** A whole number with commas. */
export function count(number: number): string {
  return Math.round(number).toLocaleString("en");
}

/** Bytes in whole megabytes. */
export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

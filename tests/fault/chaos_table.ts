import type { ChaosReport } from "./chaos.ts";
import { SEVERAL } from "./chaos.ts";

const MOST_VIOLATIONS = 20;

/** The report as a table for people. */
export function chaosTable(report: ChaosReport): string {
  const { seed, changes, ambiguous, verdict, tallies, together, violations } = report;
  const rows = tallies.map(({ name, times, repeats, allowed }) => [
    name,
    String(times),
    String(together[name] ?? 0),
    String(repeats),
    allowed === Infinity ? "since the cursor" : String(allowed),
  ]);
  const sums = [
    ["seed", seed],
    ["changes committed", `${changes}, ${ambiguous} transactions in doubt`],
    ["messages in the queue", `${verdict.messages}, ${verdict.repeated} of them repeats`],
    ["missing", verdict.missing.length],
    ["out of order", verdict.misordered.length],
    ["keys whose last message is not the newest", verdict.stale.length],
    ["messages that nobody committed", verdict.unexpected.length],
    ["cursors and watermarks ahead of the queue", verdict.ahead.length],
    ["watermarks that go back", verdict.backward.length],
    ["repeats at or below the cursor", verdict.belowCursor.length],
  ] as const;
  const result = violations.length === 0
    ? "Every guarantee held."
    : [`${violations.length} violations:`, ...violations.slice(0, MOST_VIOLATIONS)].join("\n  ");
  return [
    ...table([
      ["fault", "alone", "with others", "repeats when alone", "allowed"],
      ...rows,
      [
        SEVERAL,
        "",
        String(sum(Object.values(together))),
        String(verdict.repeats[SEVERAL] ?? 0),
        "since the cursor",
      ],
    ]),
    "",
    ...table([["total", ""], ...sums.map(([name, value]) => [name, String(value)])]),
    "",
    result,
  ].join("\n");
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`
  );
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [lines[0]!, rule, ...lines.slice(1)];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

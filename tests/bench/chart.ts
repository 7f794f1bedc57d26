import type { Report, ScanFigures } from "./report.ts";

const WIDTH = 760;
const LABELS = 250;
const NUMBERS = 120;
const BAR = 14;
const GROUP = 44;
const TOP = 56;

/** Bars of every scan beside the ceiling, as an SVG that reads well on light and dark pages. */
export function chart({ scans, ceilingName, machine }: Report): string {
  const most = Math.max(...scans.flatMap(({ rate, ceiling }) => [rate, ceiling]));
  const scale = (WIDTH - LABELS - NUMBERS) / most;
  const height = TOP + scans.length * GROUP + 24;
  const bars = scans.map((scan, index) => group(scan, TOP + index * GROUP, scale));
  const where =
    `${machine.cores} cores for everything; RabbitMQ ${machine.rabbitmq}, Deno ${machine.deno}; changes from ${machine.cockroachdb}`;
  return `<!-- deno-fmt-ignore-file -->
<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Messages a second beside the ceiling">
<style>
  text { font: 12px system-ui, sans-serif; fill: #57606a }
  .title { font-size: 14px; font-weight: 600 }
  .ceiling { fill: #9aa4af }
  .agent { fill: #1f6feb }
  @media (prefers-color-scheme: dark) { text { fill: #9da7b3 } .ceiling { fill: #545d68 } .agent { fill: #539bf5 } }
</style>
<text class="title" x="0" y="16">Confirmed messages a second, initial scan</text>
<rect class="ceiling" x="0" y="27" width="10" height="10"/><text x="15" y="36">${
    escape(ceilingName)
  }, the broker's ceiling</text>
<rect class="agent" x="${LABELS}" y="27" width="10" height="10"/><text x="${
    LABELS + 15
  }" y="36">crdb-changefeed-publisher</text>
${bars.join("\n")}
<text x="0" y="${height - 6}">${escape(where)}</text>
</svg>
`;
}

function group(scan: ScanFigures, y: number, scale: number): string {
  const label = `${scan.queueType}, ${count(scan.window)} in flight, ${count(scan.bodyBytes)} B`;
  const bar = (kind: "ceiling" | "agent", rate: number, top: number) => {
    const end = LABELS + rate * scale;
    const number = kind === "agent" ? `${count(rate)} (${(rate / scan.ceiling).toFixed(2)})` : count(rate);
    return `<rect class="${kind}" x="${LABELS}" y="${top}" width="${
      (rate * scale).toFixed(1)
    }" height="${BAR}"/>` +
      `<text x="${(end + 6).toFixed(1)}" y="${top + BAR - 3}">${number}</text>`;
  };
  return `<text x="0" y="${y + 13}">${escape(label)}</text><text x="0" y="${y + 28}">${
    escape(scan.who)
  }</text>` +
    bar("ceiling", scan.ceiling, y + 2) + bar("agent", scan.rate, y + 2 + BAR + 2);
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function count(number: number): string {
  return Math.round(number).toLocaleString("en");
}

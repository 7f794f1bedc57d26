import { createHash } from "node:crypto";
import { html, raw } from "hono/html";
import { type Hlc, hlcTime } from "../hlc.ts";
import { elapsedText } from "../settings/duration.ts";
import type { LastFailure, StatusSnapshot, Verdict } from "../telemetry/status.ts";

const STYLE = `
:root { color-scheme: light dark; --good: #1a7f37; --bad: #cf222e; --quiet: #636c76; --line: #d1d9e0; }
@media (prefers-color-scheme: dark) {
  :root { --good: #3fb950; --bad: #f85149; --quiet: #9198a1; --line: #3d444d; }
}
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 46rem; padding: 1rem; }
h1 { font-size: 1.25rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
.state { font-size: 1.5rem; font-weight: 600; margin: .5rem 0 0; }
.good { color: var(--good); }
.bad { color: var(--bad); }
.quiet, dt, footer { color: var(--quiet); }
p { margin: 0; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: minmax(8rem, auto) 1fr; gap: 0 1rem; margin: 0; }
dt, dd { border-top: 1px solid var(--line); margin: 0; padding: .35rem 0; overflow-wrap: anywhere; }
dd { font-variant-numeric: tabular-nums; }
dt { margin-right: -1rem; }
footer { border-top: 1px solid var(--line); margin-top: 1.5rem; padding-top: .5rem; }
@media (max-width: 30rem) {
  dl { grid-template-columns: 1fr; }
  dt { border-top: 1px solid var(--line); margin: 0; padding-bottom: 0; }
  dd { border-top: 0; padding-top: 0; }
}
`;

/** Content-Security-Policy of the page: nothing but its own style and an empty icon; no script, no frame, no form. */
export const PAGE_POLICY: string = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** HTML with every value escaped; `html` promises it only for values that are promises. */
export type Page = string | Promise<string>;

/** Seconds between two loads of the live page. */
const LIVE_INTERVAL = 5;
const LIVE_LINK = html`<a href="/?live">reload every ${LIVE_INTERVAL} s</a>`;
const STOP_LINK = html`<a href="/">stop reloading</a>`;

type Facts = readonly (readonly [name: string, value: string])[];

/** The page as HTML without scripts; with `live` the browser loads it again and again. */
export function statusPage(status: StatusSnapshot, health: Verdict, live: boolean): Page {
  const { feed, version, state, at, lag, counts, failure } = status;
  const facts: Facts = [
    [status.tables.length === 1 ? "Table" : "Tables", status.tables.join(", ")],
    ["From", status.source],
    ["To", status.destination],
    ["Lag", lag === undefined ? "no resolved timestamp yet" : `${elapsedText(lag)} behind`],
    ["Resolved up to", moment(status.resolved)],
    ["Cursor", moment(status.cursor)],
    ["In flight", `${count(counts.messagesInFlight)} messages, ${size(counts.bytesInFlight)}`],
    ["Confirmed", `${count(counts.confirmed)} messages`],
    ["Received", `${count(counts.received)} rows, ${count(counts.dropped)} of them repeats`],
  ];
  const headline = health.ok ? state : "unhealthy";
  const since = `${state} since ${time(status.since)}, for ${elapsedText((at - status.since) / 1000)}`;
  return html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        ${live ? html`<meta http-equiv="refresh" content="${LIVE_INTERVAL}">` : ""}
        <title>${headline} · ${feed}</title>
        <link rel="icon" href="data:,">
        <style>${raw(STYLE)}</style>
      </head>
      <body>
        <main>
          <h1>${feed}</h1>
          <p class="state ${health.ok ? "good" : "bad"}">${headline}</p>
          <p class="quiet">${health.ok ? since : `${health.reason}; ${since}`}</p>
          <h2>Feed</h2>
          ${list(facts)}
          ${failure === undefined ? "" : html`<h2>Last failure</h2>${list(failureFacts(failure, at))}`}
        </main>
        <footer>
          <p>crdb-changefeed-publisher ${version} · as of ${time(at)}</p>
          <p>${live ? STOP_LINK : LIVE_LINK} · <a href="/metrics">metrics</a></p>
        </footer>
      </body>
    </html>
  `;
}

function failureFacts({ kind, message, causes, hint, at }: LastFailure, now: number): Facts {
  return [
    ["When", `${time(at)}, ${elapsedText((now - at) / 1000)} ago`],
    ["What", `${kind}: ${message}`],
    ...causes.map((cause) => ["Because", cause] as const),
    ["What to do", hint],
  ];
}

function list(facts: Facts): Page {
  return html`<dl>${
    facts.map(([name, value]) =>
      html`
        <dt>${name}</dt>
        <dd>${value}</dd>
      `
    )
  }</dl>`;
}

function moment(timestamp: Hlc | undefined): string {
  return timestamp === undefined ? "none yet" : `${hlcTime(timestamp)} (${timestamp})`;
}

/** `2026-11-24 21:56:48 UTC` */
function time(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

function count(value: number): string {
  return value.toLocaleString("en");
}

function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}

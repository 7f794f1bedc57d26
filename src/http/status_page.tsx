import { createHash } from "node:crypto";
import { raw } from "hono/html";
import { Strip } from "./chart.tsx";
import { Connections } from "./connections.tsx";
import { Cursor, Headroom, InFlight, InFlightChart, Lag, LagChart, Rate, RateChart } from "./figures.tsx";
import type { Html } from "./html.ts";
import { PAGE_SCRIPT } from "./page_script.ts";
import { PAGE_STYLE } from "./page_style.ts";
import { AsOf, Failures, Tables, Totals } from "./records.tsx";
import { Icon, StatePanel, Title } from "./state_panel.tsx";
import type { View, ViewProps } from "./view.ts";

/** Content-Security-Policy of the page: its own style and script, its own events, an icon without a file. */
export const PAGE_POLICY: string = [
  "default-src 'none'",
  `style-src ${hashOf(PAGE_STYLE)}`,
  `script-src ${hashOf(PAGE_SCRIPT)}`,
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Seconds between two loads of the page for those without scripts. */
const RELOAD_INTERVAL = 5;

/** The parts that change, each with an id of its own. */
const PARTS: readonly ((props: ViewProps) => Html)[] = [
  Title,
  Icon,
  AsOf,
  StatePanel,
  StripPart,
  Rate,
  RateChart,
  Lag,
  LagChart,
  InFlight,
  InFlightChart,
  Cursor,
  Headroom,
  Connections,
  Failures,
  Tables,
  Totals,
];

/** The parts of the page that change, in no order, as HTML with ids. */
export function changingParts(view: View): string[] {
  return PARTS.map((Part) => String(<Part view={view} />));
}

/** The whole page; with `reload` the browser loads it again and again, for those without scripts. */
export function statusPage(view: View, reload: boolean): string {
  return `<!DOCTYPE html>${<Document view={view} reload={reload} />}`;
}

function Document({ view, reload }: ViewProps & { readonly reload: boolean }): Html {
  const { feed, version } = view.status;
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        {reload ? <meta http-equiv="refresh" content={String(RELOAD_INTERVAL)} /> : null}
        <Title view={view} />
        <Icon view={view} />
        <style>{raw(PAGE_STYLE)}</style>
      </head>
      <body>
        <header>
          <h1>{feed}</h1>
          <p class="soft">
            As of <AsOf view={view} />
            <span class="live">, live</span>
            <noscript>
              {reload
                ? <a href="?">stop reloading</a>
                : <a href="?live">{`reload every ${RELOAD_INTERVAL} s`}</a>}
            </noscript>
          </p>
        </header>
        <p id="lost" role="alert" hidden>
          Not live any more: the publisher does not answer, or too many pages are open. What you see is old;
          trying again.
        </p>
        <main>
          <section aria-labelledby="h-state">
            <h2 id="h-state" class="unseen">State</h2>
            <StatePanel view={view} />
            <StripPart view={view} />
          </section>
          <section aria-labelledby="h-figures">
            <h2 id="h-figures" class="unseen">Figures</h2>
            <div class="tiles">
              <div class="tile">
                <Lag view={view} />
                <LagChart view={view} />
              </div>
              <div class="tile">
                <Rate view={view} />
                <RateChart view={view} />
              </div>
              <div class="tile">
                <InFlight view={view} />
                <InFlightChart view={view} />
              </div>
              <div class="tile">
                <Cursor view={view} />
                <Headroom view={view} />
              </div>
            </div>
          </section>
          <section aria-labelledby="h-connections">
            <h2 id="h-connections">Connections</h2>
            <Connections view={view} />
          </section>
          <div class="records">
            <section aria-labelledby="h-failures">
              <h2 id="h-failures">Recent failures</h2>
              <Failures view={view} />
            </section>
            <section aria-labelledby="h-totals">
              <h2 id="h-totals">Since the start</h2>
              <Tables view={view} />
              <Totals view={view} />
            </section>
          </div>
        </main>
        <footer>
          <p>crdb-changefeed-publisher {version}</p>
          <nav aria-label="For machines">
            <a href="metrics">metrics</a> <a href="healthz">health</a> <a href="readyz">readiness</a>
          </nav>
        </footer>
        <script>{raw(PAGE_SCRIPT)}</script>
      </body>
    </html>
  );
}

function StripPart({ view: { samples } }: ViewProps): Html {
  return <Strip samples={samples} />;
}

function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

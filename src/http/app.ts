import { type Context, Hono } from "hono";
import type { Sample } from "../telemetry/history.ts";
import type { StatusSnapshot, Verdict } from "../telemetry/snapshot.ts";
import type { Gate } from "./gate.ts";
import { LiveUpdates } from "./live_updates.ts";
import { SECURITY_HEADERS } from "./security_headers.ts";
import { changingParts, PAGE_POLICY, statusPage } from "./status_page.tsx";
import type { View } from "./view.ts";

/** What the app shows; it changes nothing. */
export interface AppParts {
  /** Metrics in the text format of Prometheus. */
  readonly metrics: { render(): Promise<string> };
  /** The agent's own view of itself. */
  readonly status: { snapshot(): StatusSnapshot; health(): Verdict; readiness(): Verdict };
  /** The last 15 minutes. */
  readonly history: { readonly samples: readonly Sample[] };
  /** Judges requests for anything but health. */
  readonly gate: Gate;
  /** Told what went wrong with an answer; the client is not. */
  readonly failed: (thrown: unknown) => void;
}

/** Answers requests, GET and HEAD. */
export interface App {
  /** Answers a request. */
  fetch(request: Request): Response | Promise<Response>;
  /** Ends answers that would go on for ever. */
  close(): void;
}

/** Asked by machines that know neither passwords nor names. */
const PROBES = ["/healthz", "/readyz"];
const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";
/** Pages that are kept up to date at a time; a hidden one is not. */
const MOST_VIEWERS = 32;
const LOOK_INTERVAL = 1000;

/** The HTTP interface: `/metrics`, `/healthz`, `/readyz`, the status page at `/` and what keeps it new, `/events`. */
export function createApp({ metrics, status, history, gate, failed }: AppParts): App {
  const app = new Hono();
  const view = (): View => ({ status: status.snapshot(), samples: history.samples });
  const live = new LiveUpdates({
    parts: () => changingParts(view()),
    viewers: MOST_VIEWERS,
    interval: LOOK_INTERVAL,
    failed,
  });

  app.use(async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
      if (!context.res.headers.has(name)) context.header(name, value);
    }
  });
  app.use((context, next) => {
    const { path, raw } = context.req;
    const refusal = PROBES.includes(path) ? undefined : gate(raw.headers);
    if (refusal === undefined) return next();
    const { status, text, headers } = refusal;
    return Promise.resolve(context.text(text, status, headers));
  });

  app.get("/", (context) => {
    context.header("Content-Security-Policy", PAGE_POLICY);
    return context.html(statusPage(view(), context.req.query("live") !== undefined));
  });
  app.get("/events", (context) => {
    const stream = context.req.method === "HEAD" ? null : live.open();
    if (stream === undefined) return context.text("Too many pages are open, or this is the end\n", 503);
    // A proxy that collects what it passes on would hold events back.
    return new Response(stream, {
      headers: { "Content-Type": "text/event-stream", "X-Accel-Buffering": "no" },
    });
  });
  app.get("/metrics", async (context) => {
    return context.body(await metrics.render(), 200, { "Content-Type": METRICS_TYPE });
  });
  app.get("/healthz", (context) => verdict(context, status.health()));
  app.get("/readyz", (context) => verdict(context, status.readiness()));

  app.notFound((context) => context.text("Not found\n", 404));
  app.onError((error, context) => {
    failed(error);
    return context.text("Internal error\n", 500);
  });
  return { fetch: (request) => app.fetch(request), close: () => live.close() };
}

function verdict(context: Context, { ok, reason }: Verdict): Response {
  return context.json({ ok, reason }, ok ? 200 : 503);
}

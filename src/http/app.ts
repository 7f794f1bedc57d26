import { type Context, Hono } from "hono";
import type { StatusSnapshot, Verdict } from "../telemetry/status.ts";
import type { Gate } from "./gate.ts";
import { SECURITY_HEADERS } from "./security_headers.ts";
import { PAGE_POLICY, statusPage } from "./status_page.ts";

/** What the app shows; it changes nothing. */
export interface AppParts {
  /** Metrics in the text format of Prometheus. */
  readonly metrics: { render(): Promise<string> };
  /** The agent's own view of itself. */
  readonly status: { snapshot(): StatusSnapshot; health(): Verdict; readiness(): Verdict };
  /** Judges requests for anything but health. */
  readonly gate: Gate;
  /** Told what went wrong with an answer; the client is not. */
  readonly failed: (thrown: unknown) => void;
}

/** Answers requests, GET and HEAD. */
export interface App {
  /** Answers a request. */
  fetch(request: Request): Response | Promise<Response>;
  /** Answers a request for a path without a server. */
  request(path: string, init?: RequestInit): Response | Promise<Response>;
}

/** Asked by machines that know neither passwords nor names. */
const PROBES = ["/healthz", "/readyz"];
const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The HTTP interface: `/metrics`, `/healthz`, `/readyz` and the status page at `/`. */
export function createApp({ metrics, status, gate, failed }: AppParts): App {
  const app = new Hono();

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
    const live = context.req.query("live") !== undefined;
    context.header("Content-Security-Policy", PAGE_POLICY);
    return context.html(statusPage(status.snapshot(), status.health(), live));
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
  return app;
}

function verdict(context: Context, { ok, reason }: Verdict): Response {
  return context.json({ ok, reason }, ok ? 200 : 503);
}

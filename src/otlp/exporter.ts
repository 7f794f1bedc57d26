import { randomUUID } from "node:crypto";
import { clearInterval, setInterval } from "node:timers";
import type { OtlpConfig } from "../settings/otlp_settings.ts";
import type { CollectedMetric } from "../telemetry/exposition.ts";
import type { Log } from "../telemetry/log.ts";
import { type Attributes, metricsPayload, type Span, tracesPayload } from "./payload.ts";

/** What an exporter works with. */
export interface ExporterParts {
  /** The metrics as they are now. */
  readonly metrics: () => readonly CollectedMetric[];
  /** The spans that have ended since it was last asked. */
  readonly spans: () => readonly Span[];
  /** Told when exports begin to fail, and when they work again. */
  readonly log: Pick<Log, "info" | "warn">;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** How often ended spans leave, in milliseconds: OpenTelemetry's default. */
const SPAN_INTERVAL = 5_000;
/** How long one export may take, in milliseconds: OpenTelemetry's default; and the last one, for which a stop waits. */
const TIMEOUT = 10_000;
const LAST_TIMEOUT = 2_000;

/**
 * Sends metrics and spans by OTLP over HTTP, in its JSON form: every receiver takes it at the same address as protobuf.
 * Deno's own OpenTelemetry is of no use here: an executable of `deno compile` ignores `OTEL_DENO` (2.6.10, tried).
 * What cannot be sent is given up: publishing never waits for it.
 */
export class OtlpExporter {
  readonly #config: OtlpConfig;
  readonly #resource: Attributes;
  readonly #parts: ExporterParts;
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #timers: readonly ReturnType<typeof setInterval>[];
  #failing = false;

  /** Starts timers that do not keep the process alive, until `close`. */
  constructor(config: OtlpConfig, parts: ExporterParts) {
    this.#config = config;
    // Replicas of a feed are alike but for this.
    this.#resource = { "service.instance.id": randomUUID(), ...config.resource };
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
    this.#startedAt = this.#now();
    this.#timers = [
      setInterval(() => void this.#sendMetrics(TIMEOUT), config.metricInterval),
      setInterval(() => void this.#sendSpans(TIMEOUT), SPAN_INTERVAL),
    ];
    for (const timer of this.#timers) timer.unref();
  }

  /** Sends what there is, once more. Never rejects, and takes 2 s at most. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all([this.#sendMetrics(LAST_TIMEOUT), this.#sendSpans(LAST_TIMEOUT)]);
  }

  #sendMetrics(timeout: number): Promise<void> {
    const payload = metricsPayload(this.#resource, this.#parts.metrics(), this.#startedAt, this.#now());
    return this.#send("metrics", payload, timeout);
  }

  async #sendSpans(timeout: number): Promise<void> {
    const spans = this.#parts.spans();
    if (spans.length > 0) await this.#send("traces", tracesPayload(this.#resource, spans), timeout);
  }

  async #send(signal: "metrics" | "traces", payload: unknown, timeout: number): Promise<void> {
    const { endpoint, headers } = this.#config;
    const url = `${endpoint}/v1/${signal}`;
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body: JSON.stringify(payload),
        redirect: "error", // the headers may hold a key
        signal: AbortSignal.timeout(timeout),
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`the answer is ${response.status}`);
      if (this.#failing) this.#parts.log.info("OpenTelemetry is exported again", { url });
      this.#failing = false;
    } catch (error) {
      if (this.#failing) return;
      this.#failing = true;
      const reason = error instanceof Error ? error.message : String(error);
      this.#parts.log.warn("Cannot export OpenTelemetry; publishing goes on", { url, reason });
    }
  }
}

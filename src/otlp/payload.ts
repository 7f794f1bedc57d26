import type { CollectedMetric } from "../telemetry/exposition.ts";

/** Text attributes by name. */
export type Attributes = Readonly<Record<string, string | number>>;

/** Something that took a time. */
export interface Span {
  /** What it was. */
  readonly name: string;
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** The span that this one is part of, in the same trace. */
  readonly parentId?: string;
  /** A span of another trace that this one belongs to. */
  readonly link?: Pick<Span, "traceId" | "spanId">;
  /** Milliseconds since 1970. */
  readonly start: number;
  /** Milliseconds since 1970. */
  end: number;
  /** What to know about it. */
  readonly attributes: Attributes;
  /** The failure that ended it: kind and message. */
  error?: { readonly kind: string; readonly message: string };
}

/** OTLP's numbers for enumerations (opentelemetry-proto 1.x). */
const CUMULATIVE = 2;
const SPAN_KIND_INTERNAL = 1;
const STATUS_ERROR = 2;

/** The body of a POST to `/v1/metrics`: OTLP 1.x in its JSON form, where 64-bit numbers are texts. */
export function metricsPayload(
  resource: Attributes,
  metrics: readonly CollectedMetric[],
  startedAt: number,
  now: number,
): unknown {
  const time = { startTimeUnixNano: nanoseconds(startedAt), timeUnixNano: nanoseconds(now) };
  const scopeMetrics = [{
    scope: scopeOf(resource),
    metrics: metrics.map((metric) => metricOf(metric, time)),
  }];
  return { resourceMetrics: [{ resource: { attributes: attributesOf(resource) }, scopeMetrics }] };
}

/** The body of a POST to `/v1/traces`. */
export function tracesPayload(resource: Attributes, spans: readonly Span[]): unknown {
  const scopeSpans = [{ scope: scopeOf(resource), spans: spans.map(spanOf) }];
  return { resourceSpans: [{ resource: { attributes: attributesOf(resource) }, scopeSpans }] };
}

function metricOf({ definition: { name, help, type }, samples, histogram }: CollectedMetric, time: object) {
  const unit = name.includes("seconds") ? "s" : name.includes("bytes") ? "By" : "1";
  const base = { name, description: help, unit };
  if (histogram !== undefined) {
    const { labels, counts, bounds, sum } = histogram;
    const count = counts.reduce((total, value) => total + value, 0);
    const point = { explicitBounds: bounds, bucketCounts: counts.map(String), count: String(count), sum };
    const dataPoints = [{ ...time, attributes: attributesOf(labels), ...point }];
    return { ...base, histogram: { aggregationTemporality: CUMULATIVE, dataPoints } };
  }
  const dataPoints = samples.map(([labels, asDouble]) => ({
    ...time,
    attributes: attributesOf(labels),
    asDouble,
  }));
  return type === "counter"
    ? { ...base, sum: { aggregationTemporality: CUMULATIVE, isMonotonic: true, dataPoints } }
    : { ...base, gauge: { dataPoints } };
}

function spanOf({ name, traceId, spanId, parentId, link, start, end, attributes, error }: Span) {
  const failure = error === undefined ? {} : { "error.type": error.kind };
  return {
    name,
    traceId,
    spanId,
    ...(parentId === undefined ? {} : { parentSpanId: parentId }),
    ...(link === undefined ? {} : { links: [link] }),
    kind: SPAN_KIND_INTERNAL,
    startTimeUnixNano: nanoseconds(start),
    endTimeUnixNano: nanoseconds(end),
    attributes: attributesOf({ ...attributes, ...failure }),
    ...(error === undefined ? {} : { status: { code: STATUS_ERROR, message: error.message } }),
  };
}

function attributesOf(attributes: Attributes) {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === "number" ? { doubleValue: value } : { stringValue: value },
  }));
}

function scopeOf({ "service.version": version }: Attributes) {
  return { name: "crdb-changefeed-publisher", version };
}

function nanoseconds(milliseconds: number): string {
  return `${Math.round(milliseconds * 1000)}000`;
}

import { until } from "./ports.ts";

/** A span as it came. */
export interface ReceivedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly status?: { readonly code: number; readonly message: string };
}

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly doubleValue?: number };
}

interface Metric {
  readonly name: string;
  readonly sum?: { readonly dataPoints: readonly { readonly asDouble: number }[] };
}

interface Resource {
  readonly resource: { readonly attributes: readonly Attribute[] };
}

/** One request. */
interface Received {
  readonly path: string;
  readonly headers: Headers;
  readonly body: {
    readonly resourceMetrics?:
      readonly (Resource & { readonly scopeMetrics: { readonly metrics: Metric[] }[] })[];
    readonly resourceSpans?:
      readonly (Resource & { readonly scopeSpans: { readonly spans: ReceivedSpan[] }[] })[];
  };
}

/** A collector of OpenTelemetry that keeps what it gets. */
export class OtlpReceiver {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  /** Everything that came, in order. */
  readonly received: Received[] = [];
  /** What it answers. */
  status = 200;

  constructor() {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
      const { pathname: path } = new URL(request.url);
      const body = await request.json();
      if (this.status === 200) this.received.push({ path, headers: request.headers, body });
      return Response.json({}, { status: this.status });
    });
  }

  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  get endpoint(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** The spans that came. */
  get spans(): ReceivedSpan[] {
    const scopes = this.received.flatMap(({ body }) => body.resourceSpans ?? []);
    return scopes.flatMap(({ scopeSpans }) => scopeSpans).flatMap(({ spans }) => spans);
  }

  /** The metrics of each export. */
  get metrics(): Metric[][] {
    return this.received.filter(({ body }) => body.resourceMetrics !== undefined).map(({ body }) =>
      (body.resourceMetrics ?? []).flatMap(({ scopeMetrics }) => scopeMetrics).flatMap(({ metrics }) =>
        metrics
      )
    );
  }

  /** Resolves with the first span that fits. */
  span(what: string, fits: (span: ReceivedSpan) => boolean): Promise<ReceivedSpan> {
    return until(`a span: ${what}`, 20_000, () => this.spans.find(fits));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** The value of a text attribute. */
export function attribute(
  { attributes }: { attributes: readonly Attribute[] },
  name: string,
): string | undefined {
  return attributes.find(({ key }) => key === name)?.value.stringValue;
}

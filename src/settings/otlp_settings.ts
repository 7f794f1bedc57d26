import { choice, integer, type Pair, type Reader, readPair, readSwitch } from "./reading.ts";
import type { Setting } from "./setting.ts";
import { PROGRAM, VERSION } from "./version.ts";

/** Where metrics and spans go, and as whose. */
export interface OtlpConfig {
  /** Without a slash at its end; `/v1/metrics` and `/v1/traces` are put behind it. */
  readonly endpoint: string;
  /** Secrets, mostly. */
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds between two exports of the metrics. */
  readonly metricInterval: number;
  /** What the process says of itself: `service.name` and so on. */
  readonly resource: Readonly<Record<string, string>>;
}

/** `name=value` with percent-encoded values, as OpenTelemetry has it. */
const readEncodedPair: Reader<Pair<string>> = (text) => {
  const reading = readPair(text);
  if ("problem" in reading) return reading;
  const { name, value } = reading.value;
  try {
    return { value: { name, value: decodeURIComponent(value) } };
  } catch {
    return { problem: "a percent sign is not followed by two hexadecimal digits; write it %25" };
  }
};

/** A header that HTTP can carry. */
const readHeader: Reader<Pair<string>> = (text) => {
  const reading = readEncodedPair(text);
  if ("problem" in reading) return reading;
  const { name, value } = reading.value;
  return /^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[\x20-\x7e]*$/.test(value)
    ? reading
    : { problem: "expected name=value in ASCII, as a header of HTTP" };
};

const readEndpoint: Reader<string> = (text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search + url.hash !== "") {
    return { problem: "expected a URL such as http://collector:4318" };
  }
  if (url.username + url.password !== "") {
    return { problem: "expected no user or password; put them into OTEL_EXPORTER_OTLP_HEADERS" };
  }
  return { value: url.href.replace(/\/+$/, "") };
};

/** Settings of the export by OTLP; the names are OpenTelemetry's own. Nothing is exported without an endpoint. */
export const OTLP_SETTINGS = {
  otlpEndpoint: {
    heading: "OpenTelemetry",
    env: "OTEL_EXPORTER_OTLP_ENDPOINT",
    meaning: "Collector that gets metrics and spans by OTLP/HTTP, in JSON: http://collector:4318",
    read: readEndpoint,
  },
  otlpHeaders: {
    env: "OTEL_EXPORTER_OTLP_HEADERS",
    secret: true,
    many: true,
    meaning: "Headers for it, such as a key: k=v",
    read: readHeader,
  },
  otlpProtocol: {
    env: "OTEL_EXPORTER_OTLP_PROTOCOL",
    default: "http/json",
    meaning: "http/json; http/protobuf is taken too, as receivers of it take JSON; gRPC is not spoken",
    read: choice("http/json", "http/protobuf"),
  },
  otlpMetricInterval: {
    env: "OTEL_METRIC_EXPORT_INTERVAL",
    default: "60000",
    meaning: "Milliseconds between two exports of the metrics",
    read: integer(100, 86_400_000),
  },
  otlpServiceName: {
    env: "OTEL_SERVICE_NAME",
    otherwise: PROGRAM,
    meaning: "The name of this service",
    read: ((text) => ({ value: text })) as Reader<string>,
  },
  otlpResource: {
    env: "OTEL_RESOURCE_ATTRIBUTES",
    many: true,
    meaning: "Attributes of this process: k=v",
    read: readEncodedPair,
  },
  otlpDisabled: {
    env: "OTEL_SDK_DISABLED",
    default: "false",
    meaning: "Export nothing",
    read: readSwitch,
  },
} as const satisfies Readonly<Record<string, Setting>>;

/** What was given for them. */
export interface OtlpValues {
  /** `undefined`: nothing is exported. */
  readonly otlpEndpoint: string | undefined;
  /** For the endpoint. */
  readonly otlpHeaders: readonly Pair<string>[];
  /** Milliseconds. */
  readonly otlpMetricInterval: number;
  /** Wins over an attribute `service.name`. */
  readonly otlpServiceName: string | undefined;
  /** More attributes. */
  readonly otlpResource: readonly Pair<string>[];
  /** Wins over the endpoint. */
  readonly otlpDisabled: boolean;
}

/** Where metrics and spans go; `undefined`: nowhere. */
export function otlpConfig(values: OtlpValues): OtlpConfig | undefined {
  const { otlpEndpoint: endpoint, otlpDisabled, otlpMetricInterval: metricInterval } = values;
  if (endpoint === undefined || otlpDisabled) return undefined;
  const record = (pairs: readonly Pair<string>[]) =>
    Object.fromEntries(pairs.map(({ name, value }) => [name, value]));
  const { otlpServiceName: name } = values;
  return {
    endpoint,
    metricInterval,
    headers: record(values.otlpHeaders),
    resource: {
      "service.name": PROGRAM,
      "service.version": VERSION,
      ...record(values.otlpResource),
      ...(name === undefined ? {} : { "service.name": name }),
    },
  };
}

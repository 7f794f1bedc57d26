import assert from "node:assert/strict";
import { parseArguments } from "../../../src/config.ts";
import type { OtlpConfig } from "../../../src/settings/otlp_settings.ts";
import { VERSION } from "../../../src/settings/version.ts";

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318/" };

function parse(env: Record<string, string>) {
  const needed = { CHANGEFEED_TABLE: "t", DATABASE_URL: "postgresql://u@h/d", CHANGEFEED_QUEUE: "stdout" };
  return parseArguments([], { ...needed, ...env }, () => assert.fail("no file is named"));
}

function otlp(env: Record<string, string>): OtlpConfig | undefined {
  const parsed = parse(env);
  return parsed.kind === "run" ? parsed.config.otlp : assert.fail(JSON.stringify(parsed));
}

Deno.test("otlpConfig() is nothing without an endpoint, or when it is disabled", () => {
  assert.equal(otlp({ OTEL_SERVICE_NAME: "orders", OTEL_EXPORTER_OTLP_HEADERS: "key=1" }), undefined);
  assert.equal(otlp({ ...ENDPOINT, OTEL_SDK_DISABLED: "TRUE" }), undefined);
});

Deno.test("otlpConfig() reads OpenTelemetry's own variables", () => {
  const resource = { "service.name": "crdb-changefeed-publisher", "service.version": VERSION };
  assert.deepEqual(otlp(ENDPOINT), {
    endpoint: "http://collector:4318",
    headers: {},
    metricInterval: 60_000,
    resource,
  });
  const given = otlp({
    OTEL_EXPORTER_OTLP_ENDPOINT: "https://otlp.example.org/otlp",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
    OTEL_EXPORTER_OTLP_HEADERS: "authorization=Basic%20YTpi, x-scope=a",
    OTEL_METRIC_EXPORT_INTERVAL: "1000",
    OTEL_RESOURCE_ATTRIBUTES: "service.name=other,deployment.environment.name=a%2Cb",
    OTEL_SERVICE_NAME: "orders",
  });
  assert.deepEqual(given, {
    endpoint: "https://otlp.example.org/otlp",
    headers: { authorization: "Basic YTpi", "x-scope": "a" },
    metricInterval: 1000,
    resource: { ...resource, "service.name": "orders", "deployment.environment.name": "a,b" },
  });
  const named = otlp({ ...ENDPOINT, OTEL_RESOURCE_ATTRIBUTES: "service.name=other" });
  assert.equal(named?.resource["service.name"], "other");
});

Deno.test("wrong OTEL variables are refused together, without a secret", () => {
  const parsed = parse({
    OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317",
    OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
    OTEL_EXPORTER_OTLP_HEADERS: "key=s3cr%C3%A9t,s3cret",
    OTEL_METRIC_EXPORT_INTERVAL: "60s",
    OTEL_RESOURCE_ATTRIBUTES: "a=%zz",
  });
  const problems = parsed.kind === "problems" ? parsed.problems : assert.fail(parsed.kind);
  assert.deepEqual(problems, [
    'OTEL_EXPORTER_OTLP_ENDPOINT "collector:4317": expected a URL such as http://collector:4318',
    "OTEL_EXPORTER_OTLP_HEADERS: expected name=value in ASCII, as a header of HTTP",
    "OTEL_EXPORTER_OTLP_HEADERS: expected name=value",
    'OTEL_EXPORTER_OTLP_PROTOCOL "grpc": expected http/json or http/protobuf',
    'OTEL_METRIC_EXPORT_INTERVAL "60s": expected a whole number from 100 to 86400000',
    'OTEL_RESOURCE_ATTRIBUTES "a=%zz": a percent sign is not followed by two hexadecimal digits; write it %25',
  ]);
});

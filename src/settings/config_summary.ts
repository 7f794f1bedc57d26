import { amqpAddressText } from "./amqp_address.ts";
import type { Config, RabbitMqConfig } from "../config.ts";
import { databaseUrlText } from "./database_url.ts";
import { durationText } from "./duration.ts";
import { hostPortText } from "./host_port.ts";
import { quoteTarget } from "../table_name.ts";

/**
 * The settings in force, for a log line at the start: without credentials, and without the values of headers, which
 * may hold some.
 */
export function describe(config: Config): Record<string, string> {
  const { changefeedOptions, cursorStore, cursorDatabase, initialScan, initialScanGiven, end, headers } =
    config;
  return {
    feed: config.feed,
    tables: config.tables.map(quoteTarget).join(", "),
    query: config.query === undefined ? "none" : "given",
    database: databaseUrlText(config.database),
    sslmode: config.database.sslMode,
    cursorStore: cursorStore === "none" ? "none" : databaseUrlText(cursorDatabase),
    cursorFrequency: durationText(config.cursorFrequency),
    initialScan: `${initialScan ? "yes" : "no"}${initialScanGiven ? "" : " (default)"}`,
    end: end === undefined ? "never" : end === "scan" ? "with the initial scan" : `after ${end.last}`,
    diff: config.diff ? "yes" : "no",
    changefeedOptions: names(changefeedOptions.map(({ name }) => name)),
    format: config.format,
    emitResolved: config.emitResolved ? "yes" : "no",
    headers: names([...(config.standardHeaders ? ["standard"] : []), ...Object.keys(headers)]),
    maxInFlight: `${config.maxInFlight} messages, ${config.maxInFlightBytes} bytes`,
    drainTimeout: durationText(config.drainTimeout),
    http: hostPortText(config.http),
    httpAuth: config.httpAccess.login === undefined ? "none" : "basic",
    httpHosts: config.httpAccess.hosts.length === 0 ? "any" : names(config.httpAccess.hosts),
    otlp: config.otlp?.endpoint ?? "none",
    logLevel: config.logLevel,
    ...(config.rabbitmq === undefined
      ? { queue: "stdout" }
      : describeRabbitMq(config.rabbitmq, config.routingKey)),
  };
}

function describeRabbitMq(rabbitmq: RabbitMqConfig, routingKey: string): Record<string, string> {
  const { tls, queueArguments } = rabbitmq;
  return {
    broker: rabbitmq.addresses.map(amqpAddressText).join(", "),
    tls: rabbitmq.addresses.some((address) => address.tls) ? names(["on", ...Object.keys(tls)]) : "off",
    queue: rabbitmq.queue ?? "none",
    exchange: rabbitmq.exchange ?? "the default exchange",
    routingKey,
    bindingKeys: rabbitmq.exchange === undefined || rabbitmq.queue === undefined
      ? "none"
      : names(rabbitmq.bindingKeys),
    declare: rabbitmq.declare,
    queueType: rabbitmq.queueType,
    queueArguments: names(Object.entries(queueArguments).map(([name, value]) => `${name}=${value}`)),
    heartbeat: `${rabbitmq.heartbeat}s`,
    lock: rabbitmq.lock,
  };
}

function names(list: readonly string[]): string {
  return list.length === 0 ? "none" : list.join(", ");
}

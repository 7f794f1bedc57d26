import { type AmqpAddress, parseAmqpAddresses } from "./amqp_address.ts";
import { type ChangefeedOption, parseChangefeedOption } from "./changefeed_option.ts";
import { type DatabaseUrl, parseDatabaseUrl } from "./database_url.ts";
import { feedNameProblem } from "./feed_name.ts";
import { type HostPort, parseHostPort } from "./host_port.ts";
import { LOG_LEVELS, type LogLevel, rustLogLevel } from "./log_level.ts";
import {
  choice,
  duration,
  integer,
  parsed,
  readAmqpName,
  type Reader,
  readPair,
  readRoutingKey,
  readSwitch,
  readTypedPair,
  size,
  wholeSeconds,
} from "./reading.ts";
import type { Setting, ValueOf } from "./setting.ts";
import { parseTableName, type TableName } from "../table_name.ts";

const HOUR = 3_600_000;
const MEBIBYTE = 1024 ** 2;

/** THE table of settings. */
export const SETTINGS = {
  tables: {
    heading: "As in the original",
    flag: "--table NAME",
    env: "CHANGEFEED_TABLE",
    required: true,
    many: true,
    meaning: "Tables to publish: t, schema.t or db.schema.t; quoted as in SQL where needed",
    read: ((text) => {
      const value = parseTableName(text);
      return value === undefined
        ? { problem: 'expected a table such as t, schema.t, db.schema.t or "Mixed Case"' }
        : { value };
    }) as Reader<TableName>,
  },
  queue: {
    flag: "--queue KIND",
    env: "CHANGEFEED_QUEUE",
    default: "rabbitmq",
    meaning: "Where messages go: rabbitmq or stdout",
    read: choice("rabbitmq", "stdout"),
  },
  cursorStore: {
    flag: "--cursor-store KIND",
    env: "CHANGEFEED_CURSOR_STORE",
    default: "cockroachdb",
    meaning: "Where the cursor is kept: cockroachdb or none",
    read: choice("cockroachdb", "none"),
  },
  cursorFrequency: {
    flag: "--cursor-frequency DURATION",
    env: "CHANGEFEED_CURSOR_FREQUENCY",
    default: "10s",
    meaning: "How often CockroachDB is asked for a cursor: 500ms, 10s, 5m, 1h",
    read: duration(1, 24 * HOUR),
  },
  logLevel: {
    env: "LOG_LEVEL",
    otherwise: "info",
    meaning: "Least severe lines to log: trace, debug, info, warn or error",
    read: choice(...LOG_LEVELS),
  },
  rustLog: {
    env: "RUST_LOG",
    otherwise: "info",
    meaning: "The same in the original's way: info,lapin=warn (the bare level counts); LOG_LEVEL wins",
    read: ((text) => ({ value: rustLogLevel(text) })) as Reader<LogLevel | undefined>,
  },
  http: {
    env: "PROMETHEUS_ADDR",
    default: "0.0.0.0:8001",
    meaning: "Address of the HTTP server: metrics, health and status page; port 0 takes a free one",
    read: parsed<HostPort>(parseHostPort),
  },
  database: {
    env: "DATABASE_URL",
    required: true,
    secret: true,
    meaning: "postgresql://user:password@host:26257/database; several hosts with commas: h1:26257,h2:26257",
    read: parsed<DatabaseUrl>(parseDatabaseUrl),
  },
  addresses: {
    env: "AMQP_ADDR",
    otherwise: "required with --queue rabbitmq",
    secret: true,
    meaning: "amqp:// or amqps://user:password@host:5672/vhost; several nodes of one cluster with commas",
    read: parsed<readonly AmqpAddress[]>(parseAmqpAddresses),
  },
  amqpQueue: {
    env: "AMQP_QUEUE",
    otherwise: "required, or else --exchange",
    meaning: "Queue to publish to, by its name as routing key on the default exchange",
    read: readAmqpName,
  },

  feed: {
    heading: "Feed",
    flag: "--feed NAME",
    env: "CHANGEFEED_FEED",
    otherwise: "full table names, joined by +",
    meaning: "Name of its cursor and its lock. The default changes with the tables: then name it yourself",
    read: ((text) => {
      const problem = feedNameProblem(text);
      return problem === undefined ? { value: text } : { problem };
    }) as Reader<string>,
  },
  initialScan: {
    flag: "--initial-scan yes|no",
    env: "CHANGEFEED_INITIAL_SCAN",
    otherwise: "yes",
    meaning: "Whether a feed without a cursor publishes the rows that are there already",
    read: choice("yes", "no"),
  },
  diff: {
    flag: "--diff",
    env: "CHANGEFEED_DIFF",
    default: "no",
    meaning: "Send each row's value before the change too, which tells inserts from updates; or --no-diff",
    read: readSwitch,
  },
  options: {
    flag: "--changefeed-option K[=V]",
    env: "CHANGEFEED_OPTION",
    many: true,
    meaning: "Any other option of CREATE CHANGEFEED, such as full_table_name or envelope=row",
    read: parsed<ChangefeedOption>(parseChangefeedOption),
  },
  cursorDatabase: {
    flag: "--cursor-database-url URL",
    env: "CURSOR_DATABASE_URL",
    secret: true,
    otherwise: "DATABASE_URL",
    meaning: "Keep the cursor in another cluster",
    read: parsed<DatabaseUrl>(parseDatabaseUrl),
  },
  drainTimeout: {
    flag: "--drain-timeout DURATION",
    env: "CHANGEFEED_DRAIN_TIMEOUT",
    default: "20s",
    meaning: "When stopped, how long to wait for what is in flight to be confirmed",
    read: duration(0, 24 * HOUR),
  },

  format: {
    heading: "Messages",
    flag: "--format FORM",
    env: "CHANGEFEED_FORMAT",
    default: "envelope",
    meaning: "Body: envelope (the original's), value (the value column alone) or cloudevents",
    read: choice("envelope", "value", "cloudevents"),
  },
  headers: {
    flag: "--headers SET",
    env: "AMQP_HEADERS",
    default: "none",
    meaning: "none, or standard: headers table, key, updated and feed; they cost throughput",
    read: choice("none", "standard"),
  },
  header: {
    flag: "--header K=V",
    env: "AMQP_HEADER",
    many: true,
    meaning: "A header of your own on every message",
    read: readPair,
  },
  routingKey: {
    flag: "--routing-key TEMPLATE",
    env: "AMQP_ROUTING_KEY",
    otherwise: "the queue; {table} with --exchange",
    meaning: "Routing key; {table} {schema} {database} {op} {key} are filled in",
    read: readRoutingKey,
  },

  exchange: {
    heading: "RabbitMQ",
    flag: "--exchange NAME",
    env: "AMQP_EXCHANGE",
    otherwise: "the default exchange",
    meaning: "Exchange to publish to; it must exist",
    read: readAmqpName,
  },
  declare: {
    flag: "--declare WHEN",
    env: "AMQP_DECLARE",
    default: "if-missing",
    meaning: "Declare the queue: if-missing or never",
    read: choice("if-missing", "never"),
  },
  queueType: {
    flag: "--queue-type TYPE",
    env: "AMQP_QUEUE_TYPE",
    otherwise: "quorum",
    meaning: "Type of a queue that is declared: quorum, classic or stream",
    read: choice("quorum", "classic", "stream"),
  },
  queueArguments: {
    flag: "--queue-argument K=V",
    env: "AMQP_QUEUE_ARGUMENT",
    many: true,
    meaning: "Argument of a queue that is declared: x-max-length=1000, x-overflow=reject-publish",
    read: readTypedPair,
  },
  maxInFlight: {
    flag: "--max-in-flight N",
    env: "AMQP_MAX_IN_FLIGHT",
    default: "1000",
    meaning: "Most messages without the broker's confirm, 1 to 65535",
    read: integer(1, 65535),
  },
  maxInFlightBytes: {
    flag: "--max-in-flight-bytes SIZE",
    env: "AMQP_MAX_IN_FLIGHT_BYTES",
    default: "32MiB",
    meaning: "Most bytes of bodies without the broker's confirm, at least 1MiB",
    read: size(MEBIBYTE, "1MiB"),
  },
  heartbeat: {
    flag: "--amqp-heartbeat DURATION",
    env: "AMQP_HEARTBEAT",
    default: "5s",
    meaning: "Heartbeat, 1s to 1h: how soon a dead connection is noticed",
    read: wholeSeconds(1, 3600),
  },
  lock: {
    flag: "--lock KIND",
    env: "AMQP_LOCK",
    default: "exclusive-queue",
    meaning: "What keeps a second copy of the feed waiting: exclusive-queue or none",
    read: choice("exclusive-queue", "none"),
  },
  tlsCa: {
    flag: "--amqp-tls-ca PATH",
    env: "AMQP_TLS_CA",
    otherwise: "the system's",
    meaning: "PEM file of the authorities that may sign the broker's certificate",
    read: readPath,
  },
  tlsCert: {
    flag: "--amqp-tls-cert PATH",
    env: "AMQP_TLS_CERT",
    meaning: "PEM file of a client certificate; without a user in AMQP_ADDR it logs in",
    read: readPath,
  },
  tlsKey: {
    flag: "--amqp-tls-key PATH",
    env: "AMQP_TLS_KEY",
    meaning: "PEM file of the client certificate's private key",
    read: readPath,
  },

  logFormat: {
    heading: "Logs",
    flag: "--log-format FORM",
    env: "LOG_FORMAT",
    otherwise: "pretty on a terminal, else json",
    meaning: "How log lines look: pretty or json",
    read: choice("pretty", "json"),
  },
} as const satisfies Readonly<Record<string, Setting>>;

/** Key of a setting in {@linkcode SETTINGS} and {@linkcode Values}. */
export type SettingName = keyof typeof SETTINGS;

/** The values of all settings. */
export type Values = { readonly [Name in SettingName]: ValueOf<(typeof SETTINGS)[Name]> };

function readPath(text: string): { readonly value: string } | { readonly problem: string } {
  return text === "" || text.includes("\0") ? { problem: "expected the path of a file" } : { value: text };
}

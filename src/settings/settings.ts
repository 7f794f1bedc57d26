import { BROKER_SETTINGS } from "./broker_settings.ts";
import { type AmqpAddress, parseAmqpAddresses } from "./amqp_address.ts";
import { type ChangefeedOption, parseChangefeedOption } from "./changefeed_option.ts";
import { type DatabaseUrl, parseDatabaseUrl } from "./database_url.ts";
import { feedNameProblem } from "./feed_name.ts";
import { type FeedQuery, parseFeedQuery } from "./feed_query.ts";
import { type HostPort, parseListenAddress } from "./host_port.ts";
import { hostName, type HttpLogin, parseHttpLogin } from "./http_access.ts";
import { LOG_LEVELS, type LogLevel, rustLogLevel } from "./log_level.ts";
import { OTLP_SETTINGS } from "./otlp_settings.ts";
import { choice, duration, parsed, type Reader, readQueueName, readSwitch } from "./reading.ts";
import type { Setting, ValueOf } from "./setting.ts";
import { parseTableName, type TableName } from "../table_name.ts";

const HOUR = 3_600_000;

/** THE table of settings. */
export const SETTINGS = {
  tables: {
    heading: "As in the original",
    flag: "--table NAME",
    env: "CHANGEFEED_TABLE",
    otherwise: "required, or else --query",
    many: true,
    meaning: "Tables to publish: t, schema.t or db.schema.t; quoted as in SQL; 't FAMILY f' for one family",
    read: ((text) => {
      const value = parseTableName(text);
      return value === undefined
        ? { problem: 'expected a table such as t, schema.t, db.schema.t, "Mixed Case" or t FAMILY f' }
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
    meaning: "How often the cursor is stored: 500ms, 10s, 5m, 1h; a stop stores it too",
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
    meaning: "Address of the HTTP server; :8001 is every address, of IPv6 too; port 0 takes a free one",
    read: parsed<HostPort>(parseListenAddress),
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
    meaning: "Queue to publish to by its name; with --exchange, a queue to bind to that",
    read: readQueueName,
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
  query: {
    flag: "--query SELECT",
    env: "CHANGEFEED_QUERY",
    otherwise: "whole rows of --table",
    meaning: "Columns and rows of one table, in place of --table: SELECT id FROM orders WHERE amount > 9",
    read: parsed<FeedQuery>(parseFeedQuery),
  },
  initialScan: {
    flag: "--initial-scan yes|no|only",
    env: "CHANGEFEED_INITIAL_SCAN",
    otherwise: "yes",
    meaning: "Whether a feed without a cursor publishes the rows that are there; only: ends with them",
    read: choice("yes", "no", "only"),
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
  onExpiredCursor: {
    flag: "--on-expired-cursor WAY",
    env: "CHANGEFEED_ON_EXPIRED_CURSOR",
    default: "fail",
    meaning: "When changes after the cursor may be gone: fail, or announce it and rescan, or go on (latest)",
    read: choice("fail", "rescan", "latest"),
  },
  drainTimeout: {
    flag: "--drain-timeout DURATION",
    env: "CHANGEFEED_DRAIN_TIMEOUT",
    default: "20s",
    meaning: "When stopped, how long to wait for what is in flight to be confirmed",
    read: duration(0, 24 * HOUR),
  },

  ...BROKER_SETTINGS,

  httpLogin: {
    heading: "HTTP server",
    env: "HTTP_AUTH",
    secret: true,
    meaning: "user:password to ask of whoever wants more than /healthz and /readyz (HTTP basic auth)",
    read: parsed<HttpLogin>(parseHttpLogin),
  },
  httpHosts: {
    flag: "--http-allow-host NAME",
    env: "HTTP_ALLOW_HOST",
    otherwise: "any",
    many: true,
    meaning: "Name or address by which more than /healthz and /readyz may be asked for; the port is left out",
    read: ((text) => {
      const value = hostName(text);
      return value === undefined ? { problem: "expected a host such as feed.example.org" } : { value };
    }) as Reader<string>,
  },

  ...OTLP_SETTINGS,

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

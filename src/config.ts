import type { Headers } from "./address.ts";
import { bashCompletion } from "./settings/bash_completion.ts";
import { type BrokerAccess, brokerAccess } from "./settings/broker_access.ts";
import {
  type ChangefeedOption,
  lastBeforeEnd,
  withoutEnd,
  withQueryEnvelope,
} from "./settings/changefeed_option.ts";
import { type CommandName, commandRow } from "./settings/commands.ts";
import {
  type CursorAction,
  cursorAction,
  type CursorConfig,
  cursorConfig,
} from "./settings/cursor_config.ts";
import { readCommandLine } from "./settings/command_line.ts";
import type { DatabaseUrl } from "./settings/database_url.ts";
import type { Format } from "./encode.ts";
import type { FeedEnd } from "./feed_end.ts";
import { fishCompletion } from "./settings/fish_completion.ts";
import { defaultFeedName } from "./settings/feed_name.ts";
import { type GivenSettings, readSettings, type Sources } from "./settings/given_settings.ts";
import { helpText } from "./settings/help.ts";
import type { HostPort } from "./settings/host_port.ts";
import type { HttpAccess } from "./settings/http_access.ts";
import type { LogFormat } from "./telemetry/log.ts";
import { manPage } from "./settings/man_page.ts";
import type { LogLevel } from "./settings/log_level.ts";
import { type OtlpConfig, otlpConfig } from "./settings/otlp_settings.ts";
import type { Pair } from "./settings/reading.ts";
import { bindingKeysFrom, routingKeyFrom } from "./settings/routing.ts";
import { conflicts, settingWarnings, targetConflicts } from "./settings/setting_conflicts.ts";
import type { Values } from "./settings/settings.ts";
import type { OnExpiredCursor } from "./gap.ts";
import type { TableName } from "./table_name.ts";
import type { OnUnpublishable } from "./unpublishable.ts";
import { PROGRAM, VERSION } from "./settings/version.ts";
import { zshCompletion } from "./settings/zsh_completion.ts";

/** Everything the operator decided, read and checked. */
export interface Config {
  /** Name of the feed: key of its cursor, part of its lock; at most 235 bytes. */
  readonly feed: string;
  /** At least one; no two the same. */
  readonly tables: readonly TableName[];
  /** A CDC query of the one table; `undefined`: whole rows. */
  readonly query: string | undefined;
  /** Where the tables are. */
  readonly database: DatabaseUrl;
  /** `none`: the cursor is not kept. */
  readonly cursorStore: "cockroachdb" | "none";
  /** Where the cursor is kept: `database` unless another one is given. */
  readonly cursorDatabase: DatabaseUrl;
  /** How often a resolved timestamp is asked for, in milliseconds, at least 1. */
  readonly cursorFrequency: number;
  /** A feed without a cursor publishes the rows that are there. */
  readonly initialScan: boolean;
  /** Where the feed ends; `undefined`: never. */
  readonly end: FeedEnd | undefined;
  /** What to do when changes after the cursor may be gone. */
  readonly onExpiredCursor: OnExpiredCursor;
  /** The operator said so, whatever he said: it is no default. */
  readonly initialScanGiven: boolean;
  /** Ask for each row's value before the change. */
  readonly diff: boolean;
  /** The operator's own; none that the agent sets, no name twice. */
  readonly changefeedOptions: readonly ChangefeedOption[];
  /** How long a stop waits for confirms, in milliseconds; may be 0. */
  readonly drainTimeout: number;
  /** How a change becomes a message body. */
  readonly format: Format;
  /** Publish watermarks. */
  readonly emitResolved: boolean;
  /** Add the headers `table`, `key`, `updated` and `feed`. */
  readonly standardHeaders: boolean;
  /** The operator's own headers; the texts are templates. */
  readonly headers: Headers;
  /** Template; unless given, the queue's name, or `{table}` with an exchange. */
  readonly routingKey: string;
  /** What becomes of a message that the broker will never take. */
  readonly onUnpublishable: OnUnpublishable;
  /** Most messages in flight, 1 to 65535. */
  readonly maxInFlight: number;
  /** Most bytes of bodies in flight, at least 1 MiB. */
  readonly maxInFlightBytes: number;
  /** `undefined`: messages go to standard output. */
  readonly rabbitmq: RabbitMqConfig | undefined;
  /** Where the HTTP server listens; port 0 means any free one. */
  readonly http: HostPort;
  /** Who gets more than health from it. */
  readonly httpAccess: HttpAccess;
  /** Where metrics and spans go besides; `undefined`: nowhere. */
  readonly otlp: OtlpConfig | undefined;
  /** Less severe lines are not written. */
  readonly logLevel: LogLevel;
  /** `undefined`: pretty on a terminal, else JSON. */
  readonly logFormat: LogFormat | undefined;
  /** Allowed, but worth a line in the log at the start; without secrets. */
  readonly warnings: readonly string[];
}

/** How to reach RabbitMQ, and what is there. */
export interface RabbitMqConfig extends BrokerAccess {
  /** This or `exchange` is there, or both. */
  readonly queue?: string;
  /** This or `queue` is there, or both. */
  readonly exchange?: string;
  /** What binds the queue to the exchange, where both are given; at least one. */
  readonly bindingKeys: readonly string[];
  /** Given exactly when dead letters are wanted. */
  readonly deadLetterQueue?: string;
  /** Whether a missing queue is declared, and the queue bound; an exchange is never declared. */
  readonly declare: "if-missing" | "never";
  /** Type of a queue that is declared. */
  readonly queueType: "quorum" | "classic" | "stream";
  /** The operator gave the type: a queue that exists must have it. */
  readonly queueTypeGiven: boolean;
  /** Arguments of a queue that is declared, without `x-queue-type`; a queue that exists must have them. */
  readonly queueArguments: Readonly<Record<string, string | number | boolean>>;
  /** What keeps a second copy of the feed waiting. */
  readonly lock: "exclusive-queue" | "none";
}

/** What the program is to do. */
export type Task =
  | { readonly kind: "run"; readonly config: Config }
  | { readonly kind: "check"; readonly config: Config; readonly json: boolean }
  | { readonly kind: "cursor"; readonly action: CursorAction; readonly config: CursorConfig }
  | { readonly kind: "health"; readonly http: HostPort };

/** What the arguments ask for. */
export type Parsed =
  | Task
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "problems"; readonly problems: readonly string[] };

/**
 * Reads arguments, environment and the files that they name. All mistakes are found at once; none of the texts holds
 * a secret. It never throws.
 *
 * @param argv the arguments behind the program's name
 * @param readFile reads a file as text; throws when it cannot
 */
export function parseArguments(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): Parsed {
  const line = readCommandLine(argv);
  if (line.help) return { kind: "text", text: helpText() };
  if (line.version) return { kind: "text", text: `${PROGRAM} ${VERSION}` };
  const sources: Sources = { flags: line.flags, env, readFile: readingOnce(readFile) };
  const { command } = line;
  if (command === undefined) return { kind: "problems", problems: line.problems };
  const given = readSettings(sources, commandRow(command));
  const problems = [
    ...line.problems,
    ...given.problems,
    ...conflicts(given, sources),
    ...(commandRow(command).reads === undefined ? targetConflicts(given) : feedProblem(command, given)),
  ];
  if (problems.length > 0) return { kind: "problems", problems };
  // Without a problem no value that must be there is missing.
  const values = given.values as Values;
  switch (command) {
    case "run":
      return { kind: "run", config: configFrom(values, sources) };
    case "check":
      return { kind: "check", config: configFrom(values, sources), json: line.switches.has("json") };
    case "health":
      return { kind: "health", http: values.http };
    case "completion bash":
      return { kind: "text", text: bashCompletion() };
    case "completion zsh":
      return { kind: "text", text: zshCompletion() };
    case "completion fish":
      return { kind: "text", text: fishCompletion() };
    case "man":
      return { kind: "text", text: manPage() };
    default:
      return {
        kind: "cursor",
        config: cursorConfig(values, sources),
        action: cursorAction(command, line, values),
      };
  }
}

/** A command about one feed has to know which. */
function feedProblem(command: CommandName, { values, wrong }: GivenSettings): readonly string[] {
  const isKnown = values.feed !== undefined || values.tables?.length !== 0 || wrong.has("feed");
  return isKnown || !commandRow(command).ofFeed
    ? []
    : ["--table or --feed: required to know which feed is meant"];
}

/** A file is checked first and used later; a pipe (`<(…)`) can be read only once. */
function readingOnce(readFile: (path: string) => string): (path: string) => string {
  const texts = new Map<string, string>();
  return (path) => {
    const text = texts.get(path) ?? readFile(path);
    texts.set(path, text);
    return text;
  };
}

function configFrom(values: Values, sources: Sources): Config {
  const { database, query } = values;
  const tables = query === undefined ? values.tables : [query.table];
  const feed = values.feed ?? defaultFeedName(tables, database.database);
  const toBroker = values.queue === "rabbitmq";
  return {
    feed,
    tables,
    query: query?.text,
    database,
    cursorStore: values.cursorStore,
    cursorDatabase: values.cursorDatabase ?? database,
    cursorFrequency: values.cursorFrequency,
    initialScan: values.initialScan !== "no",
    end: endOf(values),
    onExpiredCursor: values.onExpiredCursor,
    initialScanGiven: values.initialScan !== undefined,
    diff: values.diff,
    changefeedOptions: changefeedOptionsFrom(values),
    drainTimeout: values.drainTimeout,
    format: values.format,
    emitResolved: values.emitResolved,
    standardHeaders: toBroker && values.headers === "standard",
    headers: toBroker ? record(values.header) : {},
    routingKey: toBroker ? routingKeyFrom(values) : "",
    onUnpublishable: values.onUnpublishable,
    maxInFlight: values.maxInFlight,
    maxInFlightBytes: values.maxInFlightBytes,
    rabbitmq: toBroker ? rabbitMqFrom(values, feed, sources) : undefined,
    http: values.http,
    httpAccess: { login: values.httpLogin, hosts: values.httpHosts },
    otlp: otlpConfig(values),
    logLevel: values.logLevel ?? values.rustLog ?? "info",
    logFormat: values.logFormat,
    warnings: settingWarnings(values, sources),
  };
}

function changefeedOptionsFrom({ options, query, diff }: Values): readonly ChangefeedOption[] {
  const passed = withoutEnd(options);
  return query === undefined ? passed : withQueryEnvelope(passed, diff);
}

function endOf({ initialScan, options }: Values): FeedEnd | undefined {
  if (initialScan === "only") return "scan";
  const last = lastBeforeEnd(options);
  return last && { last };
}

function rabbitMqFrom(values: Values, feed: string, sources: Sources): RabbitMqConfig {
  const { amqpQueue, exchange, queueType, queueArguments } = values;
  return {
    ...brokerAccess(values, sources),
    ...(amqpQueue === undefined ? {} : { queue: amqpQueue }),
    ...(exchange === undefined ? {} : { exchange }),
    ...(values.deadLetterQueue === undefined ? {} : { deadLetterQueue: values.deadLetterQueue }),
    bindingKeys: bindingKeysFrom(values, feed),
    declare: values.declare,
    queueType: queueType ?? "quorum",
    queueTypeGiven: queueType !== undefined,
    queueArguments: record(queueArguments),
    lock: values.lock,
  };
}

function record<Value>(pairs: readonly Pair<Value>[]): Readonly<Record<string, Value>> {
  return Object.fromEntries(pairs.map(({ name, value }) => [name, value]));
}

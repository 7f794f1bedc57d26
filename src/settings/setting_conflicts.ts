import { lastBeforeEnd, withQueryEnvelope } from "./changefeed_option.ts";
import type { DatabaseUrl } from "./database_url.ts";
import { databaseFiles, tlsFileProblems, type TlsFiles } from "./tls_files.ts";
import { defaultFeedName, feedNameProblem } from "./feed_name.ts";
import type { GivenSettings, Sources } from "./given_settings.ts";
import { quoted } from "./quoted.ts";
import { fullTableName, tableColumn, type TableName } from "../table_name.ts";
import { queueLosses } from "./queue_losses.ts";
import type { Values } from "./settings.ts";

const STANDARD_HEADERS: readonly string[] = ["table", "key", "updated", "feed"];
const SLOW_BELOW = 500;
/** Envelopes that can hold the row before the change. */
const WITH_BEFORE: readonly string[] = ["wrapped", "enriched"];
/** Envelopes that hold nothing but the row or its key, and what they have no room for. */
const WITHOUT_METADATA: readonly string[] = ["row", "key_only"];
const METADATA_OPTIONS: readonly string[] = ["updated", "mvcc_timestamp", "key_in_value", "topic_in_value"];

/** What is wrong between settings that are right by themselves; nothing is said about those that are not. */
export function conflicts(given: GivenSettings, sources: Sources): string[] {
  const { values } = given;
  return [
    ...brokerConflicts(given),
    ...tableConflicts(values),
    ...feedConflict(given),
    ...cursorConflict(values),
    ...endConflict(values),
    ...optionConflicts(values),
    ...messageConflicts(values),
    ...deadLetterConflicts(given),
    ...tlsConflicts(given, sources),
  ];
}

/** What is wrong with what is to be published. */
export function targetConflicts({ values, wrong }: GivenSettings): string[] {
  const { tables, query, feed, options = [] } = values;
  if (tables === undefined || wrong.has("tables") || wrong.has("query")) return [];
  if (query === undefined) {
    return tables.length > 0 ? [] : ["--table or CHANGEFEED_TABLE: required, or else --query"];
  }
  const enriched = options.some(({ name, value }) => name === "envelope" && value === "enriched");
  return [
    ...(tables.length > 0 ? ["--table and --query: keep one of them; the query names its table"] : []),
    ...(feed === undefined && !wrong.has("feed")
      ? ["--feed or CHANGEFEED_FEED: required with --query, as the table alone does not name it"]
      : []),
    ...(enriched
      ? ['--changefeed-option "envelope=enriched": CockroachDB has it for whole tables only']
      : []),
  ];
}

function brokerConflicts({ values, wrong }: GivenSettings): string[] {
  if (values.queue !== "rabbitmq") return [];
  const { addresses, amqpQueue, exchange, queueType, queueArguments = [], bindingKeys = [] } = values;
  const problems = [];
  if (addresses === undefined && !wrong.has("addresses")) {
    problems.push("AMQP_ADDR or AMQP_ADDR_FILE: required with --queue rabbitmq");
  }
  if (
    amqpQueue === undefined && exchange === undefined && !wrong.has("amqpQueue") &&
    !wrong.has("exchange")
  ) {
    problems.push("AMQP_QUEUE or --exchange: required with --queue rabbitmq");
  }
  if (amqpQueue === undefined && !wrong.has("amqpQueue") && exchange !== undefined) {
    if (queueType !== undefined || queueArguments.length > 0) {
      problems.push("--queue-type and --queue-argument: mean nothing without AMQP_QUEUE");
    }
  }
  if (
    bindingKeys.length > 0 && [amqpQueue, exchange].includes(undefined) && !wrong.has("amqpQueue") &&
    !wrong.has("exchange")
  ) {
    problems.push("--binding-key: means nothing without AMQP_QUEUE and --exchange");
  }
  return problems;
}

function tableConflicts({ tables = [], options, database }: Partial<Values>): string[] {
  const full = (table: TableName) => fullTableName(table, database?.database ?? "");
  const twice = repeated(tables.map(full)).map((name) => `--table ${quoted(name)}: given more than once`);
  if (options === undefined || options.some(({ name }) => name === "full_table_name")) return twice;
  const distinct = new Map(tables.map((table) => [full(table), tableColumn(table, "", false)]));
  const alike = repeated([...distinct.values()]).map((name) =>
    `--table ${quoted(name)}: two tables have this last name, and only that is in a change; ` +
    "add --changefeed-option full_table_name"
  );
  return [...twice, ...alike];
}

function feedConflict({ values: { feed, tables = [], database }, wrong }: GivenSettings): string[] {
  if (feed !== undefined || wrong.has("feed") || tables.length === 0 || database === undefined) return [];
  const name = defaultFeedName(tables, database.database);
  const problem = feedNameProblem(name);
  return problem === undefined
    ? []
    : [`--feed ${quoted(name)} by default: ${problem}; name the feed yourself`];
}

function endConflict({ initialScan, options = [] }: Partial<Values>): string[] {
  return initialScan === "only" && lastBeforeEnd(options) !== undefined
    ? ["--changefeed-option end_time: means nothing with --initial-scan only, which ends by itself"]
    : [];
}

function cursorConflict({ cursorStore, cursorDatabase }: Partial<Values>): string[] {
  return cursorStore === "none" && cursorDatabase !== undefined
    ? ["--cursor-database-url: means nothing with --cursor-store none"]
    : [];
}

function optionConflicts({ options = [], diff }: Partial<Values>): string[] {
  const twice = repeated(options.map(({ name }) => name));
  const envelope = options.find(({ name }) => name === "envelope")?.value ?? "wrapped";
  return [
    ...twice.map((name) => `--changefeed-option ${quoted(name)}: given more than once`),
    ...(diff && !WITH_BEFORE.includes(envelope)
      ? [`--changefeed-option ${quoted(`envelope=${envelope}`)}: has no room for what --diff asks for`]
      : []),
    ...options.filter(({ name }) => WITHOUT_METADATA.includes(envelope) && METADATA_OPTIONS.includes(name))
      .map(({ name }) => `--changefeed-option ${quoted(name)}: envelope=${envelope} has no room for it`),
  ];
}

function messageConflicts({ headers, header = [], queueArguments = [] }: Partial<Values>): string[] {
  const reserved = headers === "standard" ? header.filter(({ name }) => STANDARD_HEADERS.includes(name)) : [];
  const type = queueArguments.filter(({ name }) => name === "x-queue-type");
  return [
    ...repeated(header.map(({ name }) => name)).map((name) =>
      `--header ${quoted(name)}: given more than once`
    ),
    ...reserved.map(({ name }) => `--header ${quoted(name)}: --headers standard sets it`),
    ...repeated(queueArguments.map(({ name }) => name)).map((name) =>
      `--queue-argument ${quoted(name)}: given more than once`
    ),
    ...type.map(({ name }) => `--queue-argument ${quoted(name)}: use --queue-type`),
  ];
}

function deadLetterConflicts({ values, wrong }: GivenSettings): string[] {
  const { onUnpublishable, deadLetterQueue, queue } = values;
  if (onUnpublishable !== "dead-letter") {
    return deadLetterQueue === undefined ? [] : [
      `--dead-letter-queue ${quoted(deadLetterQueue)}: means nothing without --on-unpublishable dead-letter`,
    ];
  }
  if (queue === "stdout") return ["--on-unpublishable dead-letter: needs --queue rabbitmq"];
  return deadLetterQueue === undefined && !wrong.has("deadLetterQueue")
    ? ["--dead-letter-queue or AMQP_DEAD_LETTER_QUEUE: required with --on-unpublishable dead-letter"]
    : [];
}

function tlsConflicts({ values }: GivenSettings, { readFile }: Sources): string[] {
  const { tlsCa, tlsCert, tlsKey, addresses } = values;
  const useless = (tlsCa ?? tlsCert ?? tlsKey) !== undefined && addresses?.every(({ tls }) => !tls);
  const files: TlsFiles[] = [
    {
      ca: { setting: "--amqp-tls-ca", path: tlsCa },
      cert: { setting: "--amqp-tls-cert", path: tlsCert },
      key: { setting: "--amqp-tls-key", path: tlsKey },
    },
    ...databaseFiles("DATABASE_URL", values.database),
    ...databaseFiles("CURSOR_DATABASE_URL", values.cursorDatabase),
  ];
  return [
    ...(useless
      ? ["--amqp-tls-ca, --amqp-tls-cert and --amqp-tls-key: need an amqps:// address in AMQP_ADDR"]
      : []),
    ...files.flatMap((each) => tlsFileProblems(each, readFile)),
  ];
}

/** What is allowed but worth a word at the start. */
export function settingWarnings(values: Values, { flags, env }: Sources): string[] {
  const { cursorFrequency, cursorStore, initialScan, addresses, cursorDatabase, options } = values;
  const warnings = [
    ...unverified("DATABASE_URL", values.database),
    ...unverified("CURSOR_DATABASE_URL", cursorDatabase),
    ...queueLosses({
      type: values.queueType,
      args: Object.fromEntries(values.queueArguments.map(({ name, value }) => [name, value])),
    }).map((loss) => `--queue-argument ${loss}, though they are confirmed`),
    ...unused("DATABASE_URL", [values.database]),
    ...unused("CURSOR_DATABASE_URL", cursorDatabase === undefined ? [] : [cursorDatabase]),
    ...unused("AMQP_ADDR", addresses ?? []),
  ];
  if (cursorFrequency < SLOW_BELOW) {
    warnings.push(`--cursor-frequency under ${SLOW_BELOW}ms costs CockroachDB noticeably more work`);
  }
  if (cursorStore === "none") {
    warnings.push(
      initialScan !== "no"
        ? "--cursor-store none: every start publishes all rows again"
        : "--cursor-store none: changes made while this program does not run are never published",
    );
  }
  if (options.some(({ name, value }) => name === "envelope" && value === "key_only")) {
    warnings.push("envelope=key_only carries no timestamps: repeats pass, and messages have no message-id");
  }
  if (bareIn(values)) {
    warnings.push(
      "envelope=bare: a deletion looks like a row with nothing but nulls beside its key, so its type is upsert",
    );
  }
  if (env["RUST_LOG"] && values.rustLog === undefined && values.logLevel === undefined) {
    warnings.push(`RUST_LOG ${quoted(env["RUST_LOG"])} holds no level for this program; it is info`);
  }
  if (flags.has("cursorDatabase") && cursorDatabase?.password !== undefined) {
    warnings.push(
      "--cursor-database-url: other users of this machine can see the password; use CURSOR_DATABASE_URL_FILE",
    );
  }
  return warnings;
}

function unverified(name: string, url: DatabaseUrl | undefined): string[] {
  return url?.sslMode === "require" && url.sslRootCert === undefined
    ? [`${name}: sslmode=require encrypts, but does not verify the server; verify-full does`]
    : [];
}

function unused(setting: string, urls: readonly { readonly parameters?: readonly string[] }[]): string[] {
  const names = new Set(urls.flatMap(({ parameters = [] }) => parameters));
  return [...names].map((name) =>
    `${setting}: the parameter ${quoted(name)} is not used; see --help for settings`
  );
}

/** Those that stand in the list more than once. */
function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

/** A query's rows are bare too, unless something else is asked for. */
function bareIn({ options, query, diff }: Values): boolean {
  const all = query === undefined ? options : withQueryEnvelope(options, diff);
  return all.some(({ name, value }) => name === "envelope" && value === "bare");
}

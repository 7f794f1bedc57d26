import process from "node:process";
import type { Writable } from "node:stream";
import { Agent } from "../agent.ts";
import { systemClock } from "../clock.ts";
import { SqlConnection } from "../cockroach/sql_connection.ts";
import { CockroachCursorStore } from "../cockroach/cursor_store.ts";
import { FeedOwner } from "../cockroach/feed_owner.ts";
import { CockroachHandover } from "../cockroach/handover.ts";
import type { Config } from "../config.ts";
import { type EncodeOptions, messageEncoder, watermarkEncoder } from "../encode.ts";
import { AgentError } from "../errors.ts";
import type { CursorStore } from "../cursor_store.ts";
import { createApp } from "../http/app.ts";
import { createGate } from "../http/gate.ts";
import { serve } from "../http/server.ts";
import { History } from "../telemetry/history.ts";
import { createLog, type Log, writeToStderr } from "../telemetry/log.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { OtlpExporter } from "../otlp/exporter.ts";
import { Spans } from "../otlp/spans.ts";
import { RabbitMQBroker } from "../rabbitmq/broker.ts";
import type { Broker } from "../session.ts";
import { Status } from "../telemetry/status.ts";
import { StdoutQueue } from "../stdout/queue.ts";
import { fullTableName, tableColumn } from "../table_name.ts";
import { Telemetry } from "../telemetry/telemetry.ts";
import { describe } from "../settings/config_summary.ts";
import { hostPortText } from "../settings/host_port.ts";
import { PROGRAM, VERSION } from "../settings/version.ts";
import { unpublishableHandler } from "../unpublishable.ts";
import { VolatileCursorStore } from "../volatile_cursor_store.ts";
import { feedSource } from "./feed_source.ts";

/** Without any progress for so many milliseconds, many times a resolved timestamp's longest, it counts as stuck. */
const STUCK_AFTER = 120_000;
/**
 * A resolved timestamp is asked for at least so often, in milliseconds, however seldom one is stored: before v22.1 the first one
 * comes after one interval (recording resolved_cadence of v21.2), and until then a scan is not finished.
 */
const LONGEST_RESOLVED = 10_000;

/**
 * The command `run`: puts the parts together and publishes until `stop` aborts. True when it stopped as asked; what
 * stopped it otherwise is in the log.
 *
 * @param stdout where `--queue stdout` prints
 */
export async function run(config: Config, stdout: Writable, stop: AbortSignal): Promise<boolean> {
  const log = logOf(config);
  const { feed, database } = config;
  const metrics = new Metrics({ feed, version: VERSION });
  const status = statusOf(config, metrics);
  const history = new History(() => status.snapshot());
  const spans = config.otlp && new Spans(feed);
  const telemetry = new Telemetry({ metrics, status, log, spans });
  const exporter = config.otlp && new OtlpExporter(config.otlp, {
    metrics: () => metrics.collect(),
    spans: () => spans?.take() ?? [],
    log,
  });
  const sql = new SqlConnection(database, PROGRAM);
  const cursorSql = config.cursorDatabase === database
    ? sql
    : new SqlConnection(config.cursorDatabase, PROGRAM);
  try {
    for (const warning of config.warnings) log.warn(warning);
    const gate = createGate(config.httpAccess);
    const failed = (thrown: unknown) => log.error(String(thrown));
    const app = createApp({ metrics, status, history, gate, failed });
    const { host, port } = config.http;
    const server = await serve({ host, port }, app);
    log.debug("Settings in force", describe(config));
    log.info(`${PROGRAM} ${VERSION} serves /metrics, /healthz, /readyz and /`, {
      feed,
      address: `${host}:${server.port}`,
    });
    const agent = agentOf(config, telemetry, {
      sql,
      cursorSql,
      stdout,
      traceparent: () => spans?.traceparent ?? "",
    });
    metrics.inFlight = () => agent.inFlight;
    metrics.guard = () => agent.guard;
    try {
      await agent.run(stop);
    } finally {
      app.close();
      await server.close();
    }
    log.info(stop.aborted ? "Stopped as asked" : "Done");
    return true;
  } catch (failure) {
    const error = AgentError.from(failure);
    if (error.action === "end") log.info(`${error.message}: stopped`);
    else telemetry.stopped(error);
    return error.action === "end";
  } finally {
    await Promise.all([sql.close(), cursorSql.close(), exporter?.close()]);
    history.close();
    metrics.close();
  }
}

interface Ends {
  readonly sql: SqlConnection;
  readonly cursorSql: SqlConnection;
  readonly stdout: Writable;
  readonly traceparent: () => string;
}

function agentOf(config: Config, telemetry: Telemetry, { sql, cursorSql, stdout, traceparent }: Ends): Agent {
  const { feed } = config, tables = tableColumns(config);
  const message: EncodeOptions = { ...config, tables, traceparent };
  const owner = new FeedOwner(feed);
  const source = feedSource(config, sql, Math.min(config.cursorFrequency, LONGEST_RESOLVED), telemetry);
  return new Agent({ ...config, lock: config.rabbitmq?.lock === "exclusive-queue" }, {
    source,
    broker: brokerOf(config, telemetry, stdout),
    cursorStore: cursorStoreOf(config, owner, cursorSql),
    cursorFrequency: config.cursorFrequency,
    handover: config.cursorStore === "none" ? undefined : new CockroachHandover(owner, cursorSql),
    tables: [...tables.keys()],
    onExpiredCursor: config.onExpiredCursor,
    initialScan: config.initialScan,
    end: config.end,
    encode: messageEncoder(message),
    encodeWatermark: config.emitResolved ? watermarkEncoder(message) : undefined,
    unpublishable: unpublishableHandler(config.onUnpublishable, telemetry),
    observe: telemetry,
    clock: systemClock,
  });
}

/** Schema and database of each table, by what the feed's table column will hold. */
function tableColumns({ tables, database, changefeedOptions }: Config): EncodeOptions["tables"] {
  const full = changefeedOptions.some(({ name }) => name === "full_table_name");
  return new Map(tables.map((name) => {
    const parts = { database: name.database ?? database.database, schema: name.schema ?? "public" };
    return [tableColumn(name, database.database, full), parts];
  }));
}

function brokerOf(
  { feed, rabbitmq, onUnpublishable }: Config,
  telemetry: Telemetry,
  stdout: Writable,
): Broker {
  if (rabbitmq === undefined) return new StdoutQueue(stdout);
  const { queue, ...options } = rabbitmq;
  const connectionName = `${PROGRAM} ${feed}`;
  return new RabbitMQBroker(
    { ...options, onUnpublishable, ...(queue === undefined ? {} : { queue }), connectionName },
    telemetry,
  );
}

function cursorStoreOf(config: Config, owner: FeedOwner, sql: SqlConnection): CursorStore {
  if (config.cursorStore === "none") return new VolatileCursorStore();
  return new CockroachCursorStore(owner, config.initialScanGiven, sql);
}

function logOf({ logLevel, logFormat }: Config): Log {
  const terminal = process.stderr.isTTY === true;
  return createLog({
    level: logLevel,
    format: logFormat ?? (terminal ? "pretty" : "json"),
    colours: terminal,
    write: writeToStderr,
  });
}

function statusOf(config: Config, metrics: Metrics): Status {
  const { feed, tables, database, rabbitmq } = config;
  const columns = [...tableColumns(config).keys()];
  return new Status({
    feed,
    version: VERSION,
    tables: new Map(
      tables.map((table, index) => [columns[index] ?? "", fullTableName(table, database.database)]),
    ),
    source: {
      system: "CockroachDB",
      place: `database ${database.database}`,
      addresses: database.hosts.map(hostPortText),
    },
    destination: {
      system: rabbitmq === undefined ? "Standard output" : "RabbitMQ",
      place: placeOf(rabbitmq),
      addresses: rabbitmq?.addresses.map(hostPortText) ?? [],
    },
    stuckAfter: STUCK_AFTER,
    counts: () => metrics.counts(),
  });
}

function placeOf(rabbitmq: Config["rabbitmq"]): string {
  const { exchange, queue } = rabbitmq ?? {};
  return [...exchange === undefined ? [] : [`exchange ${exchange}`], ...queue ? [`queue ${queue}`] : []].join(
    ", ",
  );
}

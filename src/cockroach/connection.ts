import "./driver_environment.ts"; // before pg
import type { Duplex } from "node:stream";
import pg from "pg";
import type { DatabaseUrl } from "../settings/database_url.ts";
import { classifySourceError, errorCode } from "./errors.ts";
import type { RowStream } from "./row_stream.ts";
import { type SessionSetting, setStatement, settingsOf } from "./session_settings.ts";
import { type Tls, tlsAttempts } from "./tls.ts";
import { parseVersion, type Version } from "./version.ts";

/** What a statement gave. */
export interface Result<Row> {
  /** Its rows. */
  readonly rows: Row[];
  /** How many rows it changed or gave. */
  readonly rowCount: number | null;
}

/** In milliseconds. */
const CONNECT_TIMEOUT = 10_000;
const KEEP_ALIVE_DELAY = 10_000;
/** A statement that takes longer is lost with its connection; a changefeed has no limit. */
const QUERY_TIMEOUT = 30_000;
const UNDEFINED_SETTING = "42704";

/**
 * Connects to one of the nodes, tried in random order. What a role or the cluster sets for sessions is overruled: see
 * session_settings.ts.
 *
 * @throws AgentError of the last node tried; at once when the signal aborts
 */
export async function connect(
  url: DatabaseUrl,
  applicationName: string,
  signal?: AbortSignal,
): Promise<Connection> {
  const hosts = url.hosts.toSorted(() => Math.random() - 0.5);
  let failure: unknown;
  for (const { host, port } of hosts) {
    const attempted = `Cannot connect to CockroachDB at "${host}:${port}" as user "${url.user}"`;
    try {
      return await connectTo(url, { host, port, application_name: applicationName }, signal);
    } catch (cause) {
      failure = classifySourceError(cause, attempted);
      if (signal?.aborted) break;
    }
  }
  throw failure;
}

type Target = { readonly host: string; readonly port: number; readonly application_name: string };

async function connectTo(url: DatabaseUrl, target: Target, signal?: AbortSignal): Promise<Connection> {
  let failure: unknown;
  for (const { tls, yieldsTo } of tlsAttempts(url)) {
    signal?.throwIfAborted();
    const connection = new Connection(url, target, tls);
    const giveUp = () => connection.close();
    signal?.addEventListener("abort", giveUp);
    try {
      await connection.open();
      return connection;
    } catch (cause) {
      connection.close();
      failure = cause;
      if (!(cause instanceof Error && yieldsTo(cause))) break;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
  }
  throw failure;
}

/** A connection to one node. */
export class Connection {
  /** `host:port` of the node. */
  readonly address: string;
  /** What goes over it is encrypted: asked for TLS, pg does not go on without. */
  readonly encrypted: boolean;
  readonly #client: pg.Client;
  readonly #protocol: pg.Connection;
  #version = "";
  #broken = false;

  /** Not connected yet. */
  constructor(url: DatabaseUrl, target: Target, tls: Tls | undefined) {
    this.address = `${target.host}:${target.port}`;
    this.encrypted = tls !== undefined;
    this.#client = new pg.Client({
      ...target,
      application_name: url.applicationName ?? target.application_name,
      user: url.user,
      password: () => url.password ?? "", // with none, pg would look into ~/.pgpass
      database: url.database,
      connectionTimeoutMillis: url.connectTimeout ?? CONNECT_TIMEOUT,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY,
      ssl: tls ?? false,
      ...(url.options === undefined ? {} : { options: url.options }),
    });
    // Without a listener a failure between queries would end the process.
    this.#client.on("error", () => this.#broken = true);
    this.#protocol = (this.#client as unknown as { connection: pg.Connection }).connection;
    containFailures(this.#protocol as unknown as Listening);
    this.#protocol.on("parameterStatus", (status: { parameterName: string; parameterValue: string }) => {
      if (status.parameterName === "crdb_version") this.#version = status.parameterValue;
    });
  }

  /** CockroachDB's version, known once connected. */
  get version(): Version {
    return parseVersion(this.#version);
  }

  /** It broke while no statement ran, and every further one would fail. */
  get broken(): boolean {
    return this.#broken;
  }

  /** Connects and logs in; throws pg's and the system's errors. */
  async open(): Promise<void> {
    await this.#client.connect();
    let settings = settingsOf(this.version), refused: SessionSetting | undefined;
    do {
      refused = await this.#set(settings);
      settings = settings.filter((setting) => setting !== refused);
    } while (refused !== undefined);
  }

  /** Gives the setting that this node does not know: then none is sure to be set. */
  async #set(settings: readonly SessionSetting[]): Promise<SessionSetting | undefined> {
    try {
      await this.query(setStatement(settings));
    } catch (cause) {
      const unknown = errorCode(cause) === UNDEFINED_SETTING &&
        settings.find(({ name }) => String(cause).includes(`"${name}"`));
      if (unknown) return unknown;
      throw cause;
    }
  }

  /** Runs one statement; throws pg's and the system's errors. */
  async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Result<Row>> {
    // The time limit of a single statement is missing in pg's types.
    const query = { text, values: [...values], query_timeout: QUERY_TIMEOUT };
    return await this.#client.query<Row & pg.QueryResultRow>(query);
  }

  /** Runs a statement that never ends; nothing else can run on this connection then. */
  stream(rows: RowStream): void {
    this.#client.query(rows);
  }

  /** Ends the connection at once; CockroachDB ends the changefeed on it (recording query-then-terminate-is-prompt). */
  close(): void {
    this.#protocol.end();
    this.#protocol.stream.destroy(new Error("Connection terminated"));
  }
}

/** What pg attaches its parser to; with TLS that is not the socket it has connected. */
interface Listening {
  attachListeners(stream: Duplex): void;
}

/** What cannot be parsed would be thrown where nobody catches it, and end the process. */
function containFailures(protocol: Listening): void {
  const attach = protocol.attachListeners.bind(protocol);
  protocol.attachListeners = (stream) => {
    const emit = stream.emit.bind(stream);
    stream.emit = (event: string | symbol, ...args: unknown[]) => {
      try {
        return emit(event, ...args);
      } catch (cause) {
        if (event !== "data") throw cause;
        stream.destroy(
          Object.assign(new Error("it sent a malformed message", { cause }), { code: "EPROTO" }),
        );
        return true;
      }
    };
    attach(stream);
  };
}

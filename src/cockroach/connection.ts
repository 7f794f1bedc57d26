import { readFileSync } from "node:fs";
import pg from "pg";
import type { DatabaseUrl } from "../database_url.ts";
import { classifySourceError } from "./errors.ts";

/** A connection to one node, ready for queries. */
export interface Connection {
  /** Runs statements. */
  readonly client: pg.Client;
  /** pg's protocol layer of the same connection. */
  readonly protocol: pg.Connection;
  /** Version of the node. */
  readonly version: Version;
  /** `host:port` of the node. */
  readonly address: string;
}

/** CockroachDB's version. */
export interface Version {
  /** Year of the release; 0 when unknown. */
  readonly major: number;
  /** Release within the year. */
  readonly minor: number;
  /** `v20.2.0-alpha.20200714-161d68e8c2` */
  readonly text: string;
}

type Tls = NonNullable<Exclude<pg.ClientConfig["ssl"], boolean>>;

const CONNECT_TIMEOUT = 10_000;
const KEEP_ALIVE_DELAY = 10_000;
/** A statement that takes longer is lost with its connection; a changefeed has no limit. */
const QUERY_TIMEOUT = 30_000;

/**
 * Connects to one of the nodes, tried in random order. Statements have no time limit on it, and an idle transaction
 * is not ended by the server.
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
    const address = `${host}:${port}`;
    try {
      return await connectTo(url, host, port, applicationName, signal);
    } catch (cause) {
      failure = classifySourceError(
        cause,
        `Cannot connect to CockroachDB at "${address}" as user "${url.user}"`,
      );
      if (signal?.aborted) break;
    }
  }
  throw failure;
}

async function connectTo(
  url: DatabaseUrl,
  host: string,
  port: number,
  application: string,
  signal: AbortSignal | undefined,
): Promise<Connection> {
  for (const tls of tlsAttempts(url)) {
    const client = new pg.Client({
      host,
      port,
      user: url.user,
      password: url.password ?? "",
      database: url.database,
      application_name: application,
      connectionTimeoutMillis: CONNECT_TIMEOUT,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY,
      ssl: tls ?? false,
      ...(url.options === undefined ? {} : { options: url.options }),
    });
    // Without a listener a failure between queries would end the process; the next query reports it.
    client.on("error", () => {});
    const protocol = (client as unknown as { connection: pg.Connection }).connection;
    let version = "";
    protocol.on("parameterStatus", (status: { parameterName: string; parameterValue: string }) => {
      if (status.parameterName === "crdb_version") version = status.parameterValue;
    });
    const giveUp = () => protocol.stream.destroy(new Error("Connection terminated: not wanted any more"));
    signal?.addEventListener("abort", giveUp);
    try {
      signal?.throwIfAborted();
      await client.connect();
      await setQuietly(client, "statement_timeout");
      await setQuietly(client, "idle_in_transaction_session_timeout");
      return { client, protocol, version: parseVersion(version), address: `${host}:${port}` };
    } catch (cause) {
      protocol.stream.destroy();
      const plainIsNext = url.sslMode === "prefer" && tls !== undefined && refusesTls(cause);
      if (!plainIsNext) throw cause;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
  }
  throw new Error("no way to connect was tried");
}

/** libpq: `prefer` tries TLS and takes plain text when the server has none; `require` encrypts without verifying. */
function tlsAttempts(url: DatabaseUrl): readonly (Tls | undefined)[] {
  if (url.sslMode === "disable" || url.sslMode === "allow") return [undefined];
  const read = (path: string | undefined) => path === undefined ? undefined : readFileSync(path, "utf8");
  const verifies = url.sslMode.startsWith("verify-") ||
    (url.sslMode === "require" && url.sslRootCert !== undefined);
  const ca = url.sslRootCert === "system" ? undefined : read(url.sslRootCert);
  const cert = read(url.sslCert);
  const key = read(url.sslKey);
  const tls: Tls = {
    rejectUnauthorized: verifies,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(url.sslMode === "verify-full" ? {} : { checkServerIdentity: () => undefined }),
  };
  return url.sslMode === "prefer" ? [tls, undefined] : [tls];
}

function refusesTls(cause: unknown): boolean {
  return cause instanceof Error && cause.message.includes("does not support SSL");
}

/** Old versions do not know every setting; the default does no harm there. */
async function setQuietly(client: pg.Client, setting: string): Promise<void> {
  try {
    await client.query(`SET ${setting} = 0`);
  } catch (cause) {
    if (!(cause instanceof pg.DatabaseError)) throw cause;
  }
}

/** Reads the startup parameter `crdb_version`: `CockroachDB OSS v20.2.0-alpha.20200714-161d68e8c2 (x86_64-…)`. */
export function parseVersion(text: string): Version {
  const [found, major, minor] = /v(\d+)\.(\d+)\S*/.exec(text) ?? [];
  return { major: Number(major ?? 0), minor: Number(minor ?? 0), text: found ?? "unknown" };
}

/** Ends a connection at once; CockroachDB ends the changefeed on it (recording query-then-terminate-is-prompt). */
export function closeNow({ protocol }: Connection): void {
  protocol.end();
  protocol.stream.destroy();
}

/** A connection that is made when it is first needed and again after it broke. */
export class SqlConnection {
  readonly #url: DatabaseUrl;
  readonly #applicationName: string;
  #connection: Promise<Connection> | undefined;

  /** Does not connect yet. */
  constructor(url: DatabaseUrl, applicationName: string) {
    this.#url = url;
    this.#applicationName = applicationName;
  }

  /**
   * Runs one statement. After a failure of the connection the next call makes a new one.
   *
   * @param attempted what to say when it fails: `Cannot read the cursor of feed "foo"`
   * @throws AgentError
   */
  async query<Row extends pg.QueryResultRow>(
    attempted: string,
    text: string,
    values: readonly unknown[] = [],
  ): Promise<pg.QueryResult<Row>> {
    try {
      const { client } = await (this.#connection ??= connect(this.#url, this.#applicationName));
      const query = { text, values: [...values], query_timeout: QUERY_TIMEOUT };
      return await client.query<Row>(query);
    } catch (cause) {
      if (!(cause instanceof pg.DatabaseError)) await this.close();
      throw classifySourceError(cause, attempted);
    }
  }

  /** Closes the connection, if there is one. */
  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    const opened = await connection?.catch(() => undefined);
    if (opened !== undefined) closeNow(opened);
  }
}

import { connect, type Connection } from "../../src/cockroach/connection.ts";
import { RowStream } from "../../src/cockroach/row_stream.ts";
import { changefeedStatement } from "../../src/cockroach/statement.ts";
import { parseHlc } from "../../src/hlc.ts";
import { parseDatabaseUrl } from "../../src/settings/database_url.ts";
import { run } from "../support/guarded_process.ts";
import { print } from "../support/terminal.ts";
import type { Speed } from "./load.ts";

const RUN_TIMEOUT = 120_000;

/** What to read. */
interface BareFeed {
  readonly url: string;
  readonly table: string;
  readonly rows: number;
}

/** Reads a table's initial scan in a process of its own and throws it away: what the feed can give at most. */
export async function readBare(feed: BareFeed): Promise<Speed> {
  const program = new URL(import.meta.url).pathname;
  const args = ["run", "--quiet", "--allow-all", program, JSON.stringify(feed)];
  return JSON.parse(await run(Deno.execPath(), args, { timeout: RUN_TIMEOUT })) as Speed;
}

/** Opens the table's changefeed as the agent does, with nothing behind it. Close the connection to end it. */
export async function openFeed(
  url: string,
  table: string,
  initialScan: boolean,
): Promise<{ readonly connection: Connection; readonly rows: RowStream }> {
  const database = parseDatabaseUrl(url);
  if (typeof database === "string") throw new Error(database);
  const connection = await connect(database, "bare reader");
  const now = await connection.query<{ now: string }>("SELECT cluster_logical_timestamp()::STRING AS now");
  const cursor = parseHlc(now.rows[0]!.now)!;
  const feed = {
    tables: [{ database: undefined, schema: undefined, table }],
    query: undefined,
    resolvedEvery: 10_000,
    cursor,
    initialScan,
    diff: false,
    options: [],
  };
  const rows = new RowStream(changefeedStatement(feed, connection.version));
  connection.stream(rows);
  return { connection, rows };
}

async function readAll({ url, table, rows: expected }: BareFeed): Promise<Speed> {
  const { connection, rows } = await openFeed(url, table, true);
  const from = performance.now();
  while (rows.received < expected) await rows.next();
  const seconds = (performance.now() - from) / 1000;
  connection.close();
  return { rate: expected / seconds };
}

if (import.meta.main) print(JSON.stringify(await readAll(JSON.parse(Deno.args[0]!))));

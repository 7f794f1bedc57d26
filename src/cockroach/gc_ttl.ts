import type { AgentError } from "../errors.ts";
import { quoteTableName, type TableName } from "../table_name.ts";
import type { SqlConnection } from "./sql_connection.ts";

const TTL = /gc\.ttlseconds"?\s*[=:]\s*(\d+)/;

/**
 * How long CockroachDB keeps old versions of these tables, in seconds: the shortest `gc.ttlseconds` among them.
 * `undefined` where it does not say so of each: the zone configuration is not everybody's to see.
 *
 * @throws AgentError
 */
export async function gcTtl(sql: SqlConnection, tables: readonly TableName[]): Promise<number | undefined> {
  const ttls = [];
  for (const table of tables) {
    const name = quoteTableName(table);
    const { rows } = await sql.query<Record<string, unknown>>(
      `Cannot ask how long ${name} keeps old versions`,
      `SHOW ZONE CONFIGURATION FOR TABLE ${name}`,
    ).catch((error: AgentError) => {
      if (error.action === "retry") throw error;
      return { rows: [] };
    });
    const ttl = TTL.exec(Object.values(rows[0] ?? {}).join("\n"))?.[1];
    if (ttl === undefined) return undefined;
    ttls.push(Number(ttl));
  }
  return Math.min(...ttls);
}

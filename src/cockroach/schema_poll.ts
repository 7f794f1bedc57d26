import { ok, type Outcome, skip } from "../check.ts";
import { AgentError } from "../errors.ts";
import { errorCode, serverText } from "./errors.ts";
import { settingRemedy } from "./remedies.ts";
import type { SqlConnection } from "./sql_connection.ts";

/**
 * A changefeed sends no row before it has read the table's descriptor as of that row or later, and reads it this often: a row
 * waits for half of it on average (0.5 s by default, 4 ms at 10 ms: measured on v22.1). From v23.1 on a table that is
 * `schema_locked` waits for nothing (cockroachdb/cockroach#101694).
 */
const POLL_INTERVAL = "changefeed.experimental_poll_interval";
const FASTER = `SET CLUSTER SETTING ${POLL_INTERVAL} = '10ms'`;
/** In milliseconds. */
const QUICK = 20;

/** v21.2 and v22.1 say it without a code of its own. */
const UNKNOWN_SETTING = /^unknown (?:cluster )?setting/;
const UNDEFINED_OBJECT = "42704";

/** How much later CockroachDB's changefeed tells of a change than it was committed, and what makes it faster. */
export async function schemaPoll(sql: SqlConnection, user: string): Promise<Outcome> {
  try {
    const { rows } = await sql.query<Record<string, unknown>>(
      `Cannot see the cluster setting ${POLL_INTERVAL}`,
      `SHOW CLUSTER SETTING ${POLL_INTERVAL}`,
    );
    return latency(Object.values(rows[0] ?? {})[0]);
  } catch (failure) {
    const error = AgentError.from(failure);
    if (errorCode(error.cause) === UNDEFINED_OBJECT || UNKNOWN_SETTING.test(serverText(error))) {
      return skip(`this version has no ${POLL_INTERVAL}`);
    }
    if (error.kind !== "SourceDenied") throw error;
    const text =
      `cannot be told: the user may not see ${POLL_INTERVAL}, which is 1s unless somebody ran: ${FASTER}`;
    return skip(text, settingRemedy(error, user));
  }
}

function latency(value: unknown): Outcome {
  const interval = milliseconds(value);
  if (interval === undefined) return skip(`cannot be told: ${POLL_INTERVAL} is "${value}"`);
  const waits = `changes come up to ${
    durationText(interval)
  } late, half of that on average (${POLL_INTERVAL})`;
  const costs = "each feed then reads the descriptors of its tables a hundred times a second";
  return ok(interval <= QUICK ? waits : `${waits}; for 10ms: ${FASTER} (${costs})`);
}

/** Of an interval as pg reads it. */
function milliseconds(value: unknown): number | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { hours = 0, minutes = 0, seconds = 0, milliseconds = 0 } = value as Readonly<Record<string, number>>;
  return ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds;
}

function durationText(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds}ms` : `${milliseconds / 1000}s`;
}

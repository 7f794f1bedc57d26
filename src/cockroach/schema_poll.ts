import { ok, type Outcome, skip } from "../check.ts";
import { clusterSetting } from "./cluster_setting.ts";
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

/** How much later CockroachDB's changefeed tells of a change than it was committed, and what makes it faster. */
export async function schemaPoll(sql: SqlConnection, user: string): Promise<Outcome> {
  const found = await clusterSetting(sql, POLL_INTERVAL);
  if (found === "missing") return skip(`this version has no ${POLL_INTERVAL}`);
  const costs = "each feed then reads the descriptors of its tables a hundred times a second";
  if ("refusal" in found) {
    const text =
      `cannot be told: the user may not see ${POLL_INTERVAL}, which is 1s unless somebody ran: ${FASTER}`;
    return skip(text, settingRemedy(found.refusal, user));
  }
  const interval = milliseconds(found.value);
  if (interval === undefined) return skip(`cannot be told: ${POLL_INTERVAL} is "${found.value}"`);
  const waits = `changes come up to ${
    durationText(interval)
  } late, half of that on average (${POLL_INTERVAL})`;
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

import type { AgentError } from "../errors.ts";
import type { DatabaseUrl } from "../settings/database_url.ts";
import { quoteIdentifier } from "../table_name.ts";
import { errorCode, serverText } from "./errors.ts";

/** What mends a login that was refused. Nobody but the operator knows the password. */
export function loginRemedy(error: AgentError, { user }: DatabaseUrl): string {
  const code = errorCode(error.cause) ?? "";
  return code.startsWith("28") && /^password authentication failed for user /.test(serverText(error))
    ? `ALTER USER ${quoteIdentifier(user)} WITH PASSWORD '…';`
    : error.hint;
}

/** v21.2 and v22.1-alpha: recordings privileges. */
const WANTS_CONTROL =
  /^(?:current user must have a role WITH CONTROLCHANGEFEED|permission denied to create changefeed)$/;

/** Names in its text may make it look like something else. */
const INSUFFICIENT_PRIVILEGE = "42501";

/**
 * The statement after which CockroachDB gives the user the changefeed that it refused. Which privilege is lacking, the refusal says:
 * v20.2 wants the role admin, v21.2 and v22.1 an option of the user beside SELECT, and later ones SELECT on every table, also
 * where the feed has no sink (`authorizeUserToCreateChangefeed` of v22.2 to v25.4).
 *
 * @param tables whole names of the feed's tables
 * @returns what the refusal itself advises, where no statement mends it
 */
export function changefeedRemedy(refusal: AgentError, tables: readonly string[], user: string): string {
  if (refusal.kind === "RangefeedDisabled") return "SET CLUSTER SETTING kv.rangefeed.enabled = true;";
  if (refusal.kind !== "SourceDenied" && errorCode(refusal.cause) !== INSUFFICIENT_PRIVILEGE) {
    return refusal.hint;
  }
  const name = quoteIdentifier(user);
  const text = serverText(refusal);
  if (/^only users with the admin role /.test(text)) return `GRANT admin TO ${name};`;
  const select = `GRANT SELECT ON TABLE ${tables.join(", ")} TO ${name};`;
  return WANTS_CONTROL.test(text) ? `ALTER USER ${name} WITH CONTROLCHANGEFEED; ${select}` : select;
}

/** The statement that lets the user see cluster settings: up to v22.1 the role admin, then a privilege of its own. */
export function settingRemedy(refusal: AgentError, user: string): string {
  const name = quoteIdentifier(user);
  return /^only users with the admin role /.test(serverText(refusal))
    ? `GRANT admin TO ${name};`
    : `GRANT SYSTEM VIEWCLUSTERSETTING TO ${name};`;
}

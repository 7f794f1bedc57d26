import type { AgentError } from "../errors.ts";
import type { DatabaseUrl } from "../settings/database_url.ts";
import { quoteIdentifier } from "../table_name.ts";
import { errorCode } from "./errors.ts";

/** What mends a login that was refused. Nobody but the operator knows the password. */
export function loginRemedy(error: AgentError, { user }: DatabaseUrl): string {
  const code = errorCode(error.cause) ?? "";
  return code.startsWith("28") && /password/.test(error.message)
    ? `ALTER USER ${quoteIdentifier(user)} WITH PASSWORD '…';`
    : error.hint;
}

/**
 * The statement that lets the user have the changefeed that was refused. Which privilege that is, the refusal says:
 * v20.2 wants the role admin, releases around v22.1 an option of the user, and later ones SELECT on every table, also
 * where the feed has no sink (`authorizeUserToCreateChangefeed` of v22.2 to v25.4).
 *
 * @param tables whole names of those that the user may not read; all of them when that is not known
 */
export function changefeedRemedy({ message }: AgentError, tables: readonly string[], user: string): string {
  const name = quoteIdentifier(user);
  if (/admin role/.test(message)) return `GRANT admin TO ${name};`;
  if (/CONTROLCHANGEFEED/.test(message) && !/SELECT/.test(message)) {
    return `ALTER USER ${name} WITH CONTROLCHANGEFEED;`;
  }
  return `GRANT SELECT ON TABLE ${tables.join(", ")} TO ${name};`;
}

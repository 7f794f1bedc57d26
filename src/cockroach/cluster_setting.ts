import { AgentError } from "../errors.ts";
import { errorCode, serverText } from "./errors.ts";
import type { SqlConnection } from "./sql_connection.ts";

/** v21.2 and v22.1 say it without a code of its own. */
const UNKNOWN_SETTING = /^unknown (?:cluster )?setting/;
const UNDEFINED_OBJECT = "42704";

/**
 * A cluster setting as pg reads it; or how the user is refused to see it, which only admins may (v21.2, v22.1) and users with
 * VIEWCLUSTERSETTING (later); `missing` where the version has none of that name.
 *
 * @throws AgentError
 */
export async function clusterSetting(
  sql: SqlConnection,
  name: string,
): Promise<{ readonly value: unknown } | { readonly refusal: AgentError } | "missing"> {
  try {
    const { rows } = await sql.query<Record<string, unknown>>(
      `Cannot see the cluster setting ${name}`,
      `SHOW CLUSTER SETTING ${name}`,
    );
    return { value: Object.values(rows[0] ?? {})[0] };
  } catch (failure) {
    const error = AgentError.from(failure);
    if (errorCode(error.cause) === UNDEFINED_OBJECT || UNKNOWN_SETTING.test(serverText(error))) {
      return "missing";
    }
    if (error.kind === "SourceDenied") return { refusal: error };
    throw failure;
  }
}

import { AgentError } from "../errors.ts";
import { classifySourceError, errorCode } from "./errors.ts";

/** A name, a type, a value, or something that CockroachDB does not support: asking again is of no use. */
const FAULT_OF_STATEMENT = /^(?:42|22|0A)/;
/** Data exceptions, but for 22023, which is about the statement; and what a function raises. */
const FAULT_OF_VALUE = /^(?:22(?!023)|P0)/;
const QUOTED = /"[^"]*"|'[^']*'/g;
const EVALUATION = /\b(?:error|while) evaluating\b/i;

/**
 * Names a failure of a changefeed with a CDC query. A query that fails on a value is told with the value by CockroachDB
 * (`could not parse "4111" as type int`): then neither its text nor the failure itself is passed on (G9).
 *
 * @param attempted what was attempted
 */
export function classifyQueryError(cause: unknown, attempted: string): AgentError {
  const error = classifySourceError(cause, attempted);
  if (error.kind !== "Unknown" && error.kind !== "OptionRejected") return error;
  const code = errorCode(cause) ?? "";
  if (FAULT_OF_VALUE.test(code) || EVALUATION.test(String(cause).replace(QUOTED, ""))) {
    return new AgentError("OptionRejected", `${attempted}: the query fails on a row (${code})`, {
      hint: "correct --query; what CockroachDB says holds row data and is not shown: try the query with SQL",
    });
  }
  if (!FAULT_OF_STATEMENT.test(code)) return error;
  return new AgentError("OptionRejected", error.message, { cause, hint: "correct --query" });
}

import { AgentError } from "../errors.ts";

/** A row that cannot be read; the text names its table and its length, and nothing of what is in it. */
export function malformedRow(table: string, value: string, what: string): AgentError {
  return new AgentError(
    "EnvelopeMalformed",
    `A row of table "${table}" (${value.length} characters) ${what}`,
  );
}

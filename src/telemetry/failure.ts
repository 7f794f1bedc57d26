import { AgentError, type ErrorKind } from "../errors.ts";
import { withoutCredentials } from "../settings/quoted.ts";

/** A failure as it is shown to the operator: in logs and on the status page. */
export interface Failure {
  /** Row of the policy table. */
  readonly kind: ErrorKind;
  /** What was attempted. */
  readonly message: string;
  /** What the operator can do. */
  readonly hint: string;
  /** What lies behind it, outermost first, each text once. */
  readonly causes: readonly string[];
}

/** The causes that the message does not tell already. */
export function untoldCauses({ message, causes }: Failure): readonly string[] {
  return causes.filter((cause) => !message.includes(cause));
}

/** A chain of causes may be a ring. */
const MOST_CAUSES = 6;

/** Describes anything thrown. Credentials in URLs are cut out, whoever put them into the text (G9). */
export function describeFailure(thrown: unknown): Failure {
  const error = AgentError.from(thrown);
  const texts = [error.message];
  for (let cause = error.cause; cause !== undefined && texts.length <= MOST_CAUSES;) {
    texts.push(causeText(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  const [message = "", ...causes] = new Set(texts.map(withoutCredentials));
  return { kind: error.kind, message, hint: withoutCredentials(error.hint), causes };
}

function causeText(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  // Node.js tries every address of a name and reports the failures together, under no message.
  if (cause instanceof AggregateError && cause.message === "") return cause.errors.map(causeText).join(", ");
  const text = cause.message === "" ? cause.name : cause.message;
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : "";
  return text.includes(code) ? text : `${text} (${code})`;
}

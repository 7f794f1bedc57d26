import { AgentError } from "../errors.ts";
import { kindOfFailure, kindOfReply } from "./error_texts.ts";

const SIZE_LIMIT =
  /^PRECONDITION_FAILED - message size \d+(?: is)? larger than (?:configured )?max size (\d+)/;

/** The largest body that the broker takes, where its refusal of a larger one says so; in bytes. */
export function sizeLimit(cause: unknown): number | undefined {
  const limit = SIZE_LIMIT.exec(reply(cause)?.text ?? "")?.[1];
  return limit === undefined ? undefined : Number(limit);
}

/** What the broker closed a channel or connection with; `undefined` for any other failure. */
export function reply(cause: unknown): { readonly code: number; readonly text: string } | undefined {
  const [found, text = "", code] =
    /^(?:connection|channel \d+) closed: (.*?) ?\((\d{3})\)$/s.exec(textOf(cause)) ?? [];
  return found === undefined ? undefined : { code: Number(code), text };
}

/** Its AMQP reply code alone. */
export function replyCode(cause: unknown): number | undefined {
  return reply(cause)?.code;
}

/**
 * Names a failure of RabbitMQ or of the way to it. The broker's text is kept: it holds names and settings, never a
 * secret or a row.
 *
 * @param attempted what was attempted, with the offending value in quotes: `Cannot declare queue "foo"`
 * @param hint what to do, where the broker's text does not tell
 */
export function classifyBrokerError(cause: unknown, attempted: string, hint?: string): AgentError {
  if (cause instanceof AgentError) return cause;
  const text = textOf(cause);
  const answer = reply(cause);
  const [kind, known] = answer === undefined
    ? kindOfFailure(systemCode(cause), text)
    : kindOfReply(answer.code, answer.text);
  const advice = known ?? hint;
  return new AgentError(kind, `${attempted}: ${text}`, {
    ...(isOfTheLibrary(cause) ? {} : { cause }),
    ...(advice === undefined ? {} : { hint: advice }),
  });
}

/** Its errors hold the connection with password and private key, for any logger to print: only their text is kept. */
function isOfTheLibrary(cause: unknown): boolean {
  return cause instanceof Error && "connection" in cause;
}

function systemCode(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  if ("code" in cause && typeof cause.code === "string") return cause.code;
  return cause instanceof AggregateError ? systemCode(cause.errors[0]) : undefined;
}

/** A connection refused on every address of a name arrives as an AggregateError without a text. */
function textOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  if (cause.message) return cause.message;
  return cause instanceof AggregateError ? textOf(cause.errors[0]) : cause.name;
}

import { AgentError, type ErrorKind } from "../errors.ts";

type Verdict = readonly [kind: ErrorKind, hint?: string];

const TLS_HINT =
  "check the certificate's names and dates and --amqp-tls-ca; a broker that asks for one wants --amqp-tls-cert and --amqp-tls-key";

/**
 * Texts that say more than their reply code. Verified on RabbitMQ 3.10.8 (tests/integration/rabbitmq_errors_test.ts)
 * where no other version is named.
 */
const TEXTS: readonly (readonly [RegExp, ...Verdict])[] = [
  // 404 as well, but it heals: the queue exists. `rabbit_amqqueue:not_found_or_absent` of 3.10 and 4.1.
  [/home node .* is down or inaccessible|process is stopped by supervisor/, "BrokerUnreachable"],
  [/queue .* has crashed and failed to restart/, "BrokerUnreachable"],
  [/message size .* larger than .*max size/, "MessageTooLarge"],
  [
    /Short string too long/, // the library's, before anything is sent
    "ConfigInvalid",
    "names in AMQP have at most 255 bytes; choose a shorter one: --feed, AMQP_QUEUE or --exchange",
  ],
  [/vhost .* is down/, "BrokerUnreachable"],
  [
    /(connection|node|user|vhost).* limit .*is reached|channels opened .* has reached/,
    "BrokerUnreachable",
    "the limit of connections or channels is reached; close some or raise it in RabbitMQ",
  ],
  [/InvalidContentType|wrong version number/, "BrokerDenied", "the port does not speak TLS; use amqp://"],
  [
    /certificate|self.signed|unable to verify|CertificateRequired|BadCertificate|UnknownCA|fatal alert|handshake/i,
    "BrokerDenied",
    TLS_HINT,
  ],
];

/** AMQP reply codes, https://www.rabbitmq.com/amqp-0-9-1-reference#constants. */
const REPLY_CODES: Readonly<Record<number, Verdict>> = {
  311: ["MessageTooLarge"], // content-too-large
  320: ["BrokerUnreachable"], // connection-forced: shutdown, or closed by an operator
  402: ["BrokerDenied"], // invalid-path: the virtual host
  403: ["BrokerDenied"], // access-refused: login or permissions
  404: ["Unroutable"],
  405: ["TopologyMismatch", "another connection has the queue for itself; choose another queue"],
  406: ["TopologyMismatch"],
  506: ["BrokerUnreachable"], // resource-error
  530: ["BrokerDenied"], // not-allowed: no such virtual host, or no access to it
  540: ["TopologyMismatch"], // not-implemented: a feature this broker lacks
  541: ["BrokerUnreachable"], // internal-error
};

const SIZE_LIMIT = /message size \d+(?: is)? larger than (?:configured )?max size (\d+)/;

/** The largest body that the broker takes, where its refusal of a larger one says so; in bytes. */
export function sizeLimit(cause: unknown): number | undefined {
  const limit = SIZE_LIMIT.exec(textOf(cause))?.[1];
  return limit === undefined ? undefined : Number(limit);
}

const CERTIFICATE_CODE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|^ERR_TLS|^ERR_SSL/;
const UNREACHABLE_CODE =
  /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE|ERR_STREAM_DESTROYED)$/;
const UNREACHABLE_TEXT =
  /socket|timeout|connection (ended|closed|reset|refused)|channel is closed|no answer|nothing received|ECONN|ENOTFOUND|broken pipe|blocked by server|unexpected end of file|end of file before message/i;

/** The AMQP reply code with which the broker closed a channel or connection; `undefined` for any other failure. */
export function replyCode(cause: unknown): number | undefined {
  const [, code] = /closed: .*\((\d{3})\)$/s.exec(textOf(cause)) ?? [];
  return code === undefined ? undefined : Number(code);
}

/**
 * Names a failure of RabbitMQ or of the way to it. The broker's text is kept: it holds names and settings, never a
 * secret or a row.
 *
 * @param attempted what was attempted, with the offending value in quotes: `Cannot declare queue "foo"`
 * @param hint what to do, when the caller knows better than the policy
 */
export function classifyBrokerError(cause: unknown, attempted: string, hint?: string): AgentError {
  if (cause instanceof AgentError) return cause;
  const text = textOf(cause);
  const [kind, known] = verdict(text, replyCode(cause), systemCode(cause));
  const advice = hint ?? known;
  return new AgentError(kind, `${attempted}: ${text}`, {
    ...(isOfTheLibrary(cause) ? {} : { cause }),
    ...(advice === undefined ? {} : { hint: advice }),
  });
}

function verdict(text: string, reply: number | undefined, code: string | undefined): Verdict {
  for (const [pattern, ...known] of TEXTS) {
    if (pattern.test(text)) return known;
  }
  if (reply !== undefined) return REPLY_CODES[reply] ?? ["Unknown"];
  if (code !== undefined && UNREACHABLE_CODE.test(code)) return ["BrokerUnreachable"];
  if (code !== undefined && CERTIFICATE_CODE.test(code)) return ["BrokerDenied", TLS_HINT];
  return UNREACHABLE_TEXT.test(text) ? ["BrokerUnreachable"] : ["Unknown"];
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

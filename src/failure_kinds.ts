import type { ErrorKind } from "./errors.ts";

/** A kind, and what to do where more is known than the kind alone tells. */
export type Verdict = readonly [kind: ErrorKind, hint?: string];

/** What a code or a text means that matches the pattern. */
export type FailureKind = readonly [pattern: RegExp, ...verdict: Verdict];

/** What the system, Node.js and Deno call failures of name resolution and TCP. */
export const NETWORK_CODE: RegExp =
  /^(?:ECONNREFUSED|ECONNRESET|ECONNABORTED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL|EPIPE|EPROTO|EMFILE|ENFILE|ENOBUFS|ERR_STREAM_\w+|ERR_SOCKET_\w+)$/;

/** What they call failures of TLS and certificates. */
export const TLS_CODE: RegExp =
  /^(?:\w*CERT\w*|\w*SELF_SIGNED\w*|UNABLE_TO_\w+|HOSTNAME_MISMATCH|ERR_SSL_\w+|ERR_TLS_\w+|ERR_OSSL_\w+)$/;

/** What the TLS of Deno (2.6 to 2.9) says where it gives no code. */
export const TLS_TEXT: RegExp =
  /^(?:invalid peer certificate\b|received fatal alert\b|peer is incompatible\b|received corrupt message\b|self[- ]signed certificate\b|unable to verify\b|certificate has expired$|Hostname\/IP does not match certificate's altnames\b)/i;

/** What the first row says that matches; `undefined` where none does. */
export function verdictOf(kinds: readonly FailureKind[], subject: string): Verdict | undefined {
  const row = kinds.find(([pattern]) => pattern.test(subject));
  if (row === undefined) return undefined;
  const [, ...verdict] = row;
  return verdict;
}

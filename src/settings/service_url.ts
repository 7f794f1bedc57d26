/** The parts that DATABASE_URL and AMQP_ADDR have in common, percent-decoded but for the host list. */
export interface ServiceUrl {
  /** Lower-case, without the colon. */
  readonly scheme: string;
  /** `undefined` when there is none. */
  readonly user: string | undefined;
  /** May be empty; `undefined` when there is not even a colon. */
  readonly password: string | undefined;
  /** What stands between credentials and path: `h1:26257,h2:26257`. */
  readonly hosts: string;
  /** Without its leading slash; empty when there is none. */
  readonly path: string;
  /** What stands behind `?`; a plus is a plus. */
  readonly parameters: URLSearchParams;
}

const SHAPE = /^([a-z]+):\/\/([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/is;

/**
 * Splits `scheme://user:password@hosts/path?parameters`. Returns what is wrong as a text without any part of the
 * URL. `@` and `:` may stand unescaped in a password; `/` and `?` may not, as nobody could tell where it ends.
 *
 * @param expected what to ask for when the text has another shape or scheme
 */
export function parseServiceUrl(
  text: string,
  schemes: readonly string[],
  expected: string,
): ServiceUrl | string {
  const [, given = "", authority = "", path = "", query = ""] = SHAPE.exec(text.trim()) ?? [];
  const scheme = given.toLowerCase();
  if (!schemes.includes(scheme)) return `expected ${expected}`;
  if (/\p{Cc}/u.test(text.trim())) return `a line break or another control character; expected ${expected}`;
  if (path.includes("@") || query.includes("@")) {
    return "/ ? and @ in user or password, and @ behind the host, must be written %2F %3F %40";
  }
  const at = authority.lastIndexOf("@");
  const credentials = at < 0 ? "" : authority.slice(0, at);
  const colon = credentials.indexOf(":");
  try {
    return {
      scheme,
      user: decodeURIComponent(colon < 0 ? credentials : credentials.slice(0, colon)) || undefined,
      password: colon < 0 ? undefined : decodeURIComponent(credentials.slice(colon + 1)),
      hosts: authority.slice(at + 1),
      path: decodeURIComponent(path),
      parameters: new URLSearchParams(query.replaceAll("+", "%2B")),
    };
  } catch {
    return "a percent sign in user, password or path is not followed by two hexadecimal digits; write it %25";
  }
}

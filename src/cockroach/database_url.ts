/** How far TLS is asked for and checked, as libpq defines it. */
export type SslMode = "disable" | "allow" | "prefer" | "require" | "verify-ca" | "verify-full";

/** A parsed DATABASE_URL. */
export interface DatabaseUrl {
  /** Nodes of one cluster. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  readonly sslMode: SslMode;
  /** Paths of PEM files. */
  readonly sslRootCert: string | undefined;
  readonly sslCert: string | undefined;
  readonly sslKey: string | undefined;
  /** `options` parameter: passed to CockroachDB as it is (`--cluster=…`). */
  readonly options: string | undefined;
}

const SSL_MODES: readonly string[] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
const SHAPE = /^postgres(?:ql)?:\/\/(?:([^@/?]*)@)?([^@/?]+)(?:\/([^?]*))?(?:\?(.*))?$/;
const HOST = /^(\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(?::(\d{1,5}))?$/;
const DEFAULT_PORT = 26257;

/**
 * Reads `postgresql://user:password@h1:26257,h2:26257/db?sslmode=verify-full&sslrootcert=ca.crt`. Without a user it is
 * `root`, without a port 26257, without a database `defaultdb`: CockroachDB's defaults. Returns what is wrong as a
 * text without any secret in it.
 */
export function parseDatabaseUrl(text: string): DatabaseUrl | string {
  const match = SHAPE.exec(text.trim());
  if (match === null) return "expected postgresql://user:password@host:26257/database";
  const [, credentials = "", hostList = "", path = "", query = ""] = match;
  const hosts = [];
  for (const part of hostList.split(",")) {
    const [, host, port] = HOST.exec(part) ?? [];
    const number = Number(port ?? DEFAULT_PORT);
    if (host === undefined || number < 1 || number > 65535) {
      return `the host "${part}" is not host or host:port`;
    }
    hosts.push({ host: host.replace(/^\[|\]$/g, ""), port: number });
  }
  const parameters = new URLSearchParams(query);
  const sslMode = parameters.get("sslmode") ?? "prefer";
  if (!SSL_MODES.includes(sslMode)) return `sslmode "${sslMode}" is not one of ${SSL_MODES.join(", ")}`;
  const colon = credentials.indexOf(":");
  try {
    return {
      hosts,
      user: decodeURIComponent(colon < 0 ? credentials : credentials.slice(0, colon)) || "root",
      password: colon < 0 ? undefined : decodeURIComponent(credentials.slice(colon + 1)),
      database: decodeURIComponent(path) || "defaultdb",
      sslMode: sslMode as SslMode,
      sslRootCert: parameters.get("sslrootcert") ?? undefined,
      sslCert: parameters.get("sslcert") ?? undefined,
      sslKey: parameters.get("sslkey") ?? undefined,
      options: parameters.get("options") ?? undefined,
    };
  } catch {
    return "a percent sign in user, password or database is not followed by two hexadecimal digits";
  }
}

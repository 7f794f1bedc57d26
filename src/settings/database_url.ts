import { DATABASE_PARAMETERS } from "./database_parameters.ts";
import { type HostPort, hostPortText, parseHostPort } from "./host_port.ts";
import { quoted } from "./quoted.ts";
import { parseServiceUrl } from "./service_url.ts";
import { unusedParameters } from "./url_parameter.ts";

/** How far TLS is asked for and checked, as libpq defines it. */
export type SslMode = "disable" | "allow" | "prefer" | "require" | "verify-ca" | "verify-full";

/** A parsed DATABASE_URL. */
export interface DatabaseUrl {
  /** Nodes of one cluster. */
  readonly hosts: readonly HostPort[];
  /** `root` unless given. */
  readonly user: string;
  /** `undefined` when there is none. */
  readonly password: string | undefined;
  /** `defaultdb` unless given. */
  readonly database: string;
  /** `prefer` unless given. */
  readonly sslMode: SslMode;
  /** Path of a PEM file, or `system`. */
  readonly sslRootCert: string | undefined;
  /** Path of a PEM file. */
  readonly sslCert: string | undefined;
  /** Path of a PEM file. */
  readonly sslKey: string | undefined;
  /** `options` parameter: passed to CockroachDB as it is (`--cluster=…`). */
  readonly options: string | undefined;
  /** What CockroachDB shows of the sessions; `undefined`: this program's name. */
  readonly applicationName?: string;
  /** Most milliseconds until a node has taken the login; `undefined`: 10 s. */
  readonly connectTimeout?: number;
  /** Names of the parameters that mean nothing here; `undefined`: there are none. */
  readonly parameters?: readonly string[];
}

const SSL_MODES: readonly string[] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
const DEFAULT_PORT = 26257;
/** libpq's, in seconds; without an end, as its 0 means, would be no use here. */
const CONNECT_TIMEOUT = /^[1-9]\d{0,2}$/;

/**
 * Reads `postgresql://user:password@h1:26257,h2:26257/db?sslmode=verify-full&sslrootcert=ca.crt`. Without a user it is
 * `root`, without a port 26257, without a database `defaultdb`: CockroachDB's defaults. Returns what is wrong as a
 * text without any secret in it.
 */
export function parseDatabaseUrl(text: string): DatabaseUrl | string {
  const url = parseServiceUrl(
    text,
    ["postgres", "postgresql"],
    "postgresql://user:password@host:26257/database",
  );
  if (typeof url === "string") return url;
  const hosts: HostPort[] = [];
  for (const part of url.hosts.split(",")) {
    const host = parseHostPort(part.trim(), DEFAULT_PORT);
    if (typeof host === "string") return host;
    hosts.push(host);
  }
  const { parameters } = url;
  const unused = unusedParameters(parameters, DATABASE_PARAMETERS);
  if (typeof unused === "string") return unused;
  for (const name of ["user", "password"] as const) {
    if (url[name] !== undefined && parameters.has(name)) {
      return `${name} stands before the host and behind ?; keep one`;
    }
  }
  const applicationName = parameters.get("application_name") || undefined;
  const connectTimeout = parameters.get("connect_timeout") ?? undefined;
  if (connectTimeout !== undefined && !CONNECT_TIMEOUT.test(connectTimeout)) {
    return `connect_timeout ${quoted(connectTimeout)} is no number of seconds from 1 to 999`;
  }
  const sslMode = parameters.get("sslmode") ?? "prefer";
  if (!SSL_MODES.includes(sslMode)) return `sslmode ${quoted(sslMode)} is not one of ${SSL_MODES.join(", ")}`;
  return {
    hosts,
    user: url.user || parameters.get("user") || "root",
    password: url.password ?? parameters.get("password") ?? undefined,
    database: url.path || "defaultdb",
    sslMode: sslMode as SslMode,
    sslRootCert: parameters.get("sslrootcert") ?? undefined,
    sslCert: parameters.get("sslcert") ?? undefined,
    sslKey: parameters.get("sslkey") ?? undefined,
    options: parameters.get("options") ?? undefined,
    ...(applicationName === undefined ? {} : { applicationName }),
    ...(connectTimeout === undefined ? {} : { connectTimeout: Number(connectTimeout) * 1000 }),
    ...(unused.length === 0 ? {} : { parameters: unused }),
  };
}

/** `h1:26257,h2:26257/database`: what a log may show. */
export function databaseUrlText({ hosts, database }: DatabaseUrl): string {
  return `${hosts.map(hostPortText).join(",")}/${database}`;
}

import { type HostPort, hostPortText, parseHostPort } from "./host_port.ts";
import { quoted } from "./quoted.ts";
import { parseServiceUrl } from "./service_url.ts";

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
}

const SSL_MODES: readonly string[] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
const DEFAULT_PORT = 26257;

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
  const sslMode = parameters.get("sslmode") ?? "prefer";
  if (!SSL_MODES.includes(sslMode)) return `sslmode ${quoted(sslMode)} is not one of ${SSL_MODES.join(", ")}`;
  return {
    hosts,
    user: url.user ?? "root",
    password: url.password,
    database: url.path || "defaultdb",
    sslMode: sslMode as SslMode,
    sslRootCert: parameters.get("sslrootcert") ?? undefined,
    sslCert: parameters.get("sslcert") ?? undefined,
    sslKey: parameters.get("sslkey") ?? undefined,
    options: parameters.get("options") ?? undefined,
  };
}

/** `h1:26257,h2:26257/database`: what a log may show. */
export function databaseUrlText({ hosts, database }: DatabaseUrl): string {
  return `${hosts.map(hostPortText).join(",")}/${database}`;
}

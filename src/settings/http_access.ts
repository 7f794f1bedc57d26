import { parseHostPort } from "./host_port.ts";

/** Who may see more than whether the process is well. */
export interface HttpAccess {
  /** What a client has to know; `undefined`: nothing. */
  readonly login: HttpLogin | undefined;
  /** Names by which it may call this server, in lower case and without a port; none: any. */
  readonly hosts: readonly string[];
}

/** A user of the HTTP server. */
export interface HttpLogin {
  /** Without a colon. */
  readonly user: string;
  /** Not empty. */
  readonly password: string;
}

/** Reads `user:password`; returns what is wrong as a text without either. */
export function parseHttpLogin(text: string): HttpLogin | string {
  const [, user, password] = /^([^:\p{Cc}]+):(\P{Cc}+)$/u.exec(text) ?? [];
  return user === undefined || password === undefined
    ? "expected user:password, without control characters"
    : { user, password };
}

/** The name or address in `name:port`, `[::1]:port` and the like, in lower case; `undefined` when it is none. */
export function hostName(text: string): string | undefined {
  const parsed = parseHostPort(text, 80);
  return typeof parsed === "string" ? undefined : parsed.host.toLowerCase();
}

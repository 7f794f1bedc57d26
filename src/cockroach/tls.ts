import { readFileSync } from "node:fs";
import type { DatabaseUrl } from "../settings/database_url.ts";

/** What Node.js's TLS takes; certificates and keys as PEM texts. */
export interface Tls {
  /** Whether the server's certificate must be signed by a trusted authority. */
  readonly rejectUnauthorized: boolean;
  /** Trusted authorities; without it the system's. */
  readonly ca?: string;
  /** Client certificate. */
  readonly cert?: string;
  /** Its private key. */
  readonly key?: string;
  /** Set where the certificate's name does not matter. */
  readonly checkServerIdentity?: () => undefined;
}

/** One way to connect: with TLS, or in plain text. */
export interface Attempt {
  /** `undefined` for plain text. */
  readonly tls: Tls | undefined;
  /** Whether the next way is worth trying after this failure. */
  readonly yieldsTo: (failure: Error) => boolean;
}

/** Whole texts, as names stand in others: pg's, and those of pgwire/server.go and sqlproxyccl. */
const SERVER_HAS_NO_TLS = /^The server does not support SSL connections$/;
const SERVER_WANTS_TLS =
  /^(?:node is running secure mode, )?SSL connection required$|^(?:this |the )?server requires (?:SSL|encryption)$/i;

/**
 * The ways that `sslmode` allows, in order, as libpq defines them: `prefer` takes plain text when the server has no
 * TLS, `allow` takes TLS when the server insists, `require` verifies only where it was told whom to trust.
 *
 * @throws the system's error when a file cannot be read
 */
export function tlsAttempts(url: DatabaseUrl): readonly Attempt[] {
  const plain = (yieldsTo: Attempt["yieldsTo"]): Attempt => ({ tls: undefined, yieldsTo });
  const never = () => false;
  switch (url.sslMode) {
    case "disable":
      return [plain(never)];
    case "allow":
      return [plain(({ message }) => SERVER_WANTS_TLS.test(message)), { tls: tlsOf(url), yieldsTo: never }];
    case "prefer":
      return [{ tls: tlsOf(url), yieldsTo: ({ message }) => SERVER_HAS_NO_TLS.test(message) }, plain(never)];
    default:
      return [{ tls: tlsOf(url), yieldsTo: never }];
  }
}

function tlsOf({ sslMode, sslRootCert, sslCert, sslKey }: DatabaseUrl): Tls {
  const read = (path: string | undefined) => path === undefined ? undefined : readFileSync(path, "utf8");
  const ca = sslRootCert === "system" ? undefined : read(sslRootCert);
  const cert = read(sslCert);
  const key = read(sslKey);
  return {
    rejectUnauthorized: sslMode.startsWith("verify-") || (sslMode === "require" && sslRootCert !== undefined),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(sslMode === "verify-full" ? {} : { checkServerIdentity: () => undefined }),
  };
}

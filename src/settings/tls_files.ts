import type { DatabaseUrl } from "./database_url.ts";
import { readNamedFile } from "./given_settings.ts";
import { certificateProblem, isKeyOf, privateKeyProblem } from "./pem.ts";
import { quoted } from "./quoted.ts";

/** A file that a setting names. */
export interface NamedFile {
  /** What the operator calls the setting: `--amqp-tls-ca`. */
  readonly setting: string;
  /** `undefined` when it is not given. */
  readonly path: string | undefined;
}

/** The files of one end that speaks TLS. */
export interface TlsFiles {
  /** Certificates of authorities. */
  readonly ca: NamedFile;
  /** Certificate of the client. */
  readonly cert: NamedFile;
  /** Its private key. */
  readonly key: NamedFile;
}

/** The files that a URL of CockroachDB names; none where TLS is not asked for. */
export function databaseFiles(setting: string, url: DatabaseUrl | undefined): TlsFiles[] {
  if (url === undefined || url.sslMode === "disable" || url.sslMode === "allow") return [];
  const { sslRootCert, sslCert, sslKey } = url;
  return [{
    ca: { setting: `${setting} sslrootcert`, path: sslRootCert === "system" ? undefined : sslRootCert },
    cert: { setting: `${setting} sslcert`, path: sslCert },
    key: { setting: `${setting} sslkey`, path: sslKey },
  }];
}

/** What is wrong with the files: each is read, and the key must be the certificate's. */
export function tlsFileProblems({ ca, cert, key }: TlsFiles, readFile: (path: string) => string): string[] {
  const problems: string[] = [];
  if ((cert.path === undefined) !== (key.path === undefined)) {
    problems.push(`${cert.setting} and ${key.setting}: give both or none`);
  }
  const read = ({ setting, path }: NamedFile, problemOf: (pem: string) => string | undefined) => {
    if (path === undefined) return undefined;
    const file = readNamedFile(path, readFile);
    const problem = "problem" in file ? file.problem : problemOf(file.text);
    if (problem !== undefined) problems.push(`${setting} ${quoted(path)}: ${problem}`);
    return problem === undefined && "text" in file ? file.text : undefined;
  };
  read(ca, certificateProblem);
  const certificate = read(cert, certificateProblem), privateKey = read(key, privateKeyProblem);
  if (certificate !== undefined && privateKey !== undefined && !isKeyOf(privateKey, certificate)) {
    problems.push(
      `${key.setting} ${quoted(key.path!)}: is not the key of ${cert.setting} ${quoted(cert.path!)}`,
    );
  }
  return problems;
}

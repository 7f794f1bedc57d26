import { join } from "node:path";
import { run } from "./guarded_process.ts";

/** A certificate with its private key, as PEM texts and as files. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  readonly certPath: string;
  readonly keyPath: string;
}

/** What stands in a certificate. */
export interface CertificateOptions {
  /** `DNS:localhost`, `IP:127.0.0.1`; none by default. */
  readonly altName?: string;
  /** Days from now on; negative: expired. */
  readonly days?: number;
}

/** An authority that only the tests trust, made by openssl. */
export class TestAuthority {
  /** Its certificate as PEM text. */
  readonly ca: string;
  /** Its private key as PEM text. */
  readonly caKey: string;
  /** The file with its certificate. */
  readonly caPath: string;
  readonly #folder: string;

  private constructor(folder: string, ca: string, caKey: string) {
    this.#folder = folder;
    this.ca = ca;
    this.caKey = caKey;
    this.caPath = join(folder, "ca.pem");
  }

  /** Makes one. */
  static async create(): Promise<TestAuthority> {
    const folder = await Deno.makeTempDir({ prefix: "certificates-" });
    const subject = ["-subj", "/CN=test authority", "-days", "2", "-nodes"];
    const files = ["-keyout", "ca.key", "-out", "ca.pem"];
    await run("openssl", ["req", "-x509", "-newkey", "rsa:2048", ...subject, ...files], { cwd: folder });
    const [ca, key] = await Promise.all(
      ["ca.pem", "ca.key"].map((name) => Deno.readTextFile(join(folder, name))),
    );
    return new TestAuthority(folder, ca!, key!);
  }

  /** Signs a certificate for this common name. */
  async certify(name: string, { altName, days = 2 }: CertificateOptions = {}): Promise<Certificate> {
    const file = crypto.randomUUID();
    const openssl = (...args: string[]) => run("openssl", args, { cwd: this.#folder });
    const extensions = [
      "basicConstraints=CA:FALSE",
      ...(altName === undefined ? [] : [`subjectAltName=${altName}`]),
    ];
    await Deno.writeTextFile(join(this.#folder, `${file}.ext`), `${extensions.join("\n")}\n`);
    const key = ["-newkey", "rsa:2048", "-nodes", "-keyout", `${file}.key`];
    await openssl("req", ...key, "-subj", `/CN=${name}`, "-out", `${file}.csr`);
    const authority = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", String(days)];
    const extension = ["-extfile", `${file}.ext`];
    await openssl("x509", "-req", "-in", `${file}.csr`, ...authority, ...extension, "-out", `${file}.pem`);
    const certPath = join(this.#folder, `${file}.pem`), keyPath = join(this.#folder, `${file}.key`);
    const [certText, keyText] = await Promise.all([certPath, keyPath].map((path) => Deno.readTextFile(path)));
    return { cert: certText!, key: keyText!, certPath, keyPath };
  }

  /** Removes every file. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}

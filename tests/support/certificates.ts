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
  /** It was valid yesterday. */
  readonly expired?: boolean;
}

const DAY = 86_400_000;

/** When a certificate begins and ends to be valid, for openssl. */
function validity(expired: boolean): string[] {
  const from = Date.now() - (expired ? 2 : 1) * DAY, to = Date.now() + (expired ? -1 : 2) * DAY;
  const shown = (time: number) => `${new Date(time).toISOString().replace(/\D/g, "").slice(2, 14)}Z`;
  return ["-startdate", shown(from), "-enddate", shown(to)];
}

/** The authority's book, one for each certificate: they are made at the same time. */
function book(file: string): string {
  const settings = [
    `database = ${file}.book`,
    "new_certs_dir = .",
    "default_md = sha256",
    "rand_serial = yes",
  ];
  return [
    "[ca]",
    "default_ca = own",
    "[own]",
    ...settings,
    "policy = any",
    "[any]",
    "commonName = supplied\n",
  ]
    .join("\n");
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
  async certify(name: string, { altName, expired = false }: CertificateOptions = {}): Promise<Certificate> {
    const file = crypto.randomUUID();
    const openssl = (...args: string[]) => run("openssl", args, { cwd: this.#folder });
    const extensions = [
      "basicConstraints=CA:FALSE",
      ...(altName === undefined ? [] : [`subjectAltName=${altName}`]),
    ];
    await Deno.writeTextFile(join(this.#folder, `${file}.ext`), `${extensions.join("\n")}\n`);
    const key = ["-newkey", "rsa:2048", "-nodes", "-keyout", `${file}.key`];
    await openssl("req", ...key, "-subj", `/CN=${name}`, "-out", `${file}.csr`);
    // `x509 -req` takes no day in the past since openssl 3.5; `ca` does, in every version.
    await Deno.writeTextFile(join(this.#folder, `${file}.book`), "");
    await Deno.writeTextFile(join(this.#folder, `${file}.conf`), book(file));
    const authority = [
      "-config",
      `${file}.conf`,
      "-cert",
      "ca.pem",
      "-keyfile",
      "ca.key",
      ...validity(expired),
    ];
    const output = ["-extfile", `${file}.ext`, "-notext", "-out", `${file}.pem`];
    await openssl("ca", "-batch", ...authority, "-in", `${file}.csr`, ...output);
    const certPath = join(this.#folder, `${file}.pem`), keyPath = join(this.#folder, `${file}.key`);
    const [certText, keyText] = await Promise.all([certPath, keyPath].map((path) => Deno.readTextFile(path)));
    return { cert: certText!, key: keyText!, certPath, keyPath };
  }

  /** Removes every file. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}

import assert from "node:assert/strict";
import { AgentError } from "../../src/errors.ts";
import { type DatabaseUrl, parseDatabaseUrl } from "../../src/settings/database_url.ts";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

const SSL_REQUEST = 80877103;
/** ReadyForQuery. */
export const READY = message("Z", "I");

/** What a scripted server does; nothing said means: as CockroachDB in insecure mode. */
export interface Script {
  /** Answer to a request for TLS. */
  readonly ssl?: "N" | "close";
  /** Never answers the startup message. */
  readonly silent?: true;
  /** Answer to the startup message: SQLSTATE and text of a refusal. */
  readonly refuses?: readonly [string, string];
  /** Answer to a statement of the extended protocol. */
  readonly answer?: (sql: string, socket: Socket) => Buffer;
  /** Session variables that it does not know. */
  readonly unknown?: readonly string[];
}

/** A server that speaks just enough of the PostgreSQL protocol, and writes down what it hears. */
export class ScriptedServer {
  /** Parameters of every startup message, separated by blanks. */
  readonly startups: string[] = [];
  /** SQL of every statement. */
  readonly statements: string[] = [];
  readonly #script: Script;
  readonly #server = createServer((socket) => this.#serve(socket));
  readonly #sockets = new Set<Socket>();
  readonly #greeted = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();

  /** Listens when started. */
  constructor(script: Script) {
    this.#script = script;
  }

  /** Resolves when a client sent its startup message. */
  get clientGreeted(): Promise<void> {
    return this.#greeted.promise;
  }

  /** Resolves when a client closed its connection. */
  get clientClosed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Listens; resolves with the port. */
  async start(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  /** Stops listening and breaks every connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, "close");
  }

  /** Breaks every connection. */
  breakAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Ends every connection; {@linkcode clientClosed} resolves when a client has closed its side too. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.end();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    let received: Buffer = Buffer.alloc(0), started = false, sql = "";
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#closed.resolve();
    });
    socket.on("data", (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      for (;;) {
        const header = started ? 1 : 0;
        if (received.length < header + 4) return;
        const end = header + received.readInt32BE(header);
        if (received.length < end) return;
        const body = received.subarray(header + 4, end);
        const type = started ? String.fromCharCode(received[0] ?? 0) : "";
        received = received.subarray(end);
        if (!started) started = this.#start(socket, body);
        else if (type === "Q") socket.write(this.#simple(body.subarray(0, -1).toString()));
        else if (type === "P") this.statements.push(sql = body.subarray(1).toString().split("\0")[0] ?? "");
        else if (type === "S") socket.write(this.#script.answer?.(sql, socket) ?? READY);
      }
    });
  }

  #start(socket: Socket, body: Buffer): boolean {
    const { ssl = "N", refuses, silent } = this.#script;
    if (body.readInt32BE(0) === SSL_REQUEST) {
      if (ssl === "close") socket.destroy();
      else socket.write(ssl);
      return false;
    }
    this.startups.push(body.subarray(4).toString().replaceAll("\0", " ").trim());
    this.#greeted.resolve();
    if (silent) return true;
    if (refuses !== undefined) {
      socket.end(failure(...refuses));
      return true;
    }
    const version = "crdb_version\0CockroachDB CCL v22.1.3 (x86_64-linux-gnu)\0";
    socket.write(Buffer.concat([message("R", "\0\0\0\0"), message("S", version), READY]));
    return true;
  }

  #simple(sql: string): Buffer {
    this.statements.push(sql);
    const answers = sql.split("; ").map((statement) => {
      const unknown = this.#script.unknown?.find((name) => statement.startsWith(`SET ${name} `));
      if (unknown === undefined) return message("C", "SET\0");
      return failure("42704", `unrecognized configuration parameter "${unknown}"`);
    });
    const refused = answers.findIndex((answer) => String.fromCharCode(answer[0] ?? 0) === "E");
    return Buffer.concat([...refused < 0 ? answers : answers.slice(0, refused + 1), READY]);
  }
}

function message(type: string, body: string): Buffer {
  const bytes = Buffer.from(type + "\0\0\0\0" + body);
  bytes.writeInt32BE(bytes.length - 1, 1);
  return bytes;
}

/** ErrorResponse with this SQLSTATE and text. */
export function failure(code: string, text: string): Buffer {
  return message("E", `SERROR\0C${code}\0M${text}\0\0`);
}

/** ParseComplete, BindComplete, NoData, CommandComplete, ReadyForQuery. */
export const DONE = Buffer.concat([
  message("1", ""),
  message("2", ""),
  message("n", ""),
  message("C", "OK\0"),
  READY,
]);

/** An address of these hosts, with a password that no failure may show. */
export function url(hosts: string, parameters = "sslmode=disable"): DatabaseUrl {
  const parsed = parseDatabaseUrl(`postgresql://alice:s3cret@${hosts}/shop?${parameters}`);
  assert.ok(typeof parsed !== "string");
  return parsed;
}

/** What the attempt fails with. */
export async function failureOf(attempt: Promise<unknown>): Promise<AgentError> {
  const error = await attempt.then(() => undefined, (error: unknown) => error);
  assert.ok(error instanceof AgentError, String(error));
  assert.equal(error.message.includes("s3cret"), false);
  return error;
}

/** A port at which nobody listens. */
export async function deadPort(): Promise<number> {
  await using server = new ScriptedServer({});
  return await server.start();
}

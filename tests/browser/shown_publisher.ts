import { createApp } from "../../src/http/app.ts";
import { createGate } from "../../src/http/gate.ts";
import { type HttpServer, serve } from "../../src/http/server.ts";
import type { HttpLogin } from "../../src/settings/http_access.ts";
import type { Sample } from "../../src/telemetry/history.ts";
import type { StatusSnapshot } from "../../src/telemetry/snapshot.ts";
import { samplesOf, snapshotOf } from "../unit/http/page_view.ts";

/** The real pages of a publisher that is in whatever state a test wants. */
export class ShownPublisher implements AsyncDisposable {
  /** How it is, beside its best days. */
  now: Partial<StatusSnapshot> = {};
  /** Its last 15 minutes. */
  samples: readonly Sample[] = samplesOf(181);
  /** How often somebody wanted to know. */
  asked = 0;
  readonly #login: HttpLogin | undefined;
  #stop: (() => Promise<void>) | undefined;
  #port = 0;

  private constructor(login: HttpLogin | undefined) {
    this.#login = login;
  }

  /** Listens on a free port. */
  static async start(login?: HttpLogin): Promise<ShownPublisher> {
    const publisher = new ShownPublisher(login);
    await publisher.start();
    return publisher;
  }

  /** Where the status page is. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  /** Listens again where it did. */
  async start(): Promise<void> {
    const verdict = { ok: true, reason: "" };
    const app = createApp({
      metrics: { render: () => Promise.resolve("") },
      status: {
        snapshot: () => {
          this.asked++;
          return snapshotOf({ at: Date.now(), ...this.now });
        },
        health: () => verdict,
        readiness: () => verdict,
      },
      history: this,
      gate: createGate({ login: this.#login, hosts: [] }),
      failed: (thrown) => {
        throw thrown;
      },
    });
    const server: HttpServer = await serve({ host: "127.0.0.1", port: this.#port }, app);
    this.#port = server.port;
    this.#stop = async () => {
      app.close();
      await server.close();
    };
  }

  /** Answers nobody any more. */
  async stop(): Promise<void> {
    await this.#stop?.();
    this.#stop = undefined;
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

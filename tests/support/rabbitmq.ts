import { AMQPClient } from "@cloudamqp/amqp-client";
import { RabbitMQContainer } from "./rabbitmq_container.ts";
import { findServerFolder, RabbitMQNode } from "./rabbitmq_node.ts";
import { installDebianPackage, mayInstallPackages } from "./debian_package.ts";
import { freePort, GaveUp, until } from "./ports.ts";
import { say } from "./terminal.ts";

/** Where the broker comes from, in the order of preference. */
export type RabbitMQOrigin = "AMQP_URL" | "installed" | "docker" | "apt";

/** How to start a broker; everything has a default. */
export interface RabbitMQOptions {
  readonly port?: number;
  /** A broker of our own even where AMQP_URL names one: for tests that stop, freeze or configure it. */
  readonly own?: boolean;
  /** Plugins to enable, such as `rabbitmq_management`; none by default, for a fast start. */
  readonly plugins?: readonly string[];
  /** Port of the management plugin, which is enabled then. */
  readonly managementPort?: number;
  /** More environment for the node, such as `RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Lines of rabbitmq.conf; their parser costs about a second of the start. */
  readonly config?: string;
}

/** A broker that this process runs. */
export interface RabbitMQHost {
  boot(): Promise<void>;
  /** Rejects, with the reason, as soon as a booted broker is gone. */
  failIfGone(): Promise<void>;
  shutdown(): Promise<void>;
  kill(): Promise<void>;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  ctl(args: readonly string[]): Promise<string>;
  /** Kills it and removes everything it kept. */
  remove(): Promise<void>;
}

/** RabbitMQ for the tests: a given one, or one of our own that never meets another node. */
export class RabbitMQ {
  /** The address with credentials, vhost `/`. */
  readonly url: string;
  /** Where the broker comes from. */
  readonly origin: RabbitMQOrigin;
  readonly #host: RabbitMQHost | undefined;

  private constructor(url: string, origin: RabbitMQOrigin, host?: RabbitMQHost) {
    this.url = url;
    this.origin = origin;
    this.#host = host;
  }

  /** Starts a broker; resolves when a client can log in. */
  static async start(options: RabbitMQOptions = {}): Promise<RabbitMQ> {
    const given = options.own ? undefined : Deno.env.get("AMQP_URL");
    if (given) {
      await waitForLogin(given, 10_000);
      return new RabbitMQ(given, "AMQP_URL");
    }
    const port = options.port ?? freePort();
    const { origin, host } = await chooseHost(port, options);
    const broker = new RabbitMQ(`amqp://guest:guest@127.0.0.1:${port}`, origin, host);
    try {
      await broker.#boot(host);
    } catch (error) {
      await host.remove();
      throw error;
    }
    return broker;
  }

  /** Stops a broker of our own and removes its data; a given one is left alone. */
  async stop(): Promise<void> {
    await this.#host?.remove();
  }

  /** SIGKILL: durable data stays for {@linkcode restart}. */
  async kill(): Promise<void> {
    await this.#own("kill").kill();
  }

  /** Stops gracefully when it still runs, and starts again with the same port and data. */
  async restart(): Promise<void> {
    const host = this.#own("restart");
    await host.shutdown();
    await this.#boot(host);
  }

  /** SIGSTOP: connections stay open and nothing answers. */
  async freeze(): Promise<void> {
    await this.#own("freeze").freeze();
  }

  /** SIGCONT after {@linkcode freeze}. */
  async thaw(): Promise<void> {
    await this.#own("thaw").thaw();
  }

  /** Runs `rabbitmqctl` on this broker and gives what it prints. */
  ctl(...args: string[]): Promise<string> {
    return this.#own(`rabbitmqctl ${args[0] ?? ""}`).ctl(args);
  }

  /**
   * Writes its tables to disk. RabbitMQ 3.10.8 does so some seconds after a queue was declared; killed before, it never
   * finds a leader for the queue again.
   */
  async rememberQueues(): Promise<void> {
    await this.ctl("eval", "mnesia:sync_log(), [dets:sync(Table) || Table <- dets:all()].");
  }

  async #boot(host: RabbitMQHost): Promise<void> {
    await host.boot();
    await waitForLogin(this.url, 60_000, () => host.failIfGone());
  }

  #own(action: string): RabbitMQHost {
    if (this.#host === undefined) {
      throw new Error(`${action}: not possible on the broker of AMQP_URL, which is not ours; unset AMQP_URL`);
    }
    return this.#host;
  }
}

async function chooseHost(
  port: number,
  options: RabbitMQOptions,
): Promise<{ origin: RabbitMQOrigin; host: RabbitMQHost }> {
  const installed = await findServerFolder();
  if (installed !== undefined) {
    return { origin: "installed", host: new RabbitMQNode(installed, port, options) };
  }
  if (await RabbitMQContainer.isToBeHad()) {
    return { origin: "docker", host: new RabbitMQContainer(port, options) };
  }
  if (await mayInstallPackages()) {
    say("rig: no RabbitMQ here: installing Debian's package rabbitmq-server (its own service stays off)");
    await installDebianPackage("rabbitmq-server");
    const folder = await findServerFolder();
    if (folder !== undefined) return { origin: "apt", host: new RabbitMQNode(folder, port, options) };
  }
  throw new Error(
    "RabbitMQ: none found. Set AMQP_URL, or install rabbitmq-server, or run Docker, or run as root on Debian",
  );
}

/** An open port is not enough: logins are refused until the boot has gone further. */
async function waitForLogin(url: string, deadline: number, check?: () => Promise<void>): Promise<void> {
  await until(`RabbitMQ at ${new URL(url).host}`, deadline, async () => {
    await check?.().catch((error: Error) => {
      throw new GaveUp(error.message);
    });
    const client = new AMQPClient(url);
    client.logger = undefined;
    const connection = await client.connect();
    await connection.close();
    return true;
  });
}

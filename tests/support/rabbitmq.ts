import { AMQPClient } from "@cloudamqp/amqp-client";
import type { AMQPView } from "@cloudamqp/amqp-client/amqp-view";
import { brokerProduct } from "../../src/rabbitmq/login.ts";
import { RabbitMQContainer } from "./rabbitmq_container.ts";
import { RabbitMQNode } from "./rabbitmq_node.ts";
import { installedRabbitMQ, rabbitMQOfTrixie } from "./rabbitmq_programs.ts";
import type { PortMapper } from "./port_mapper.ts";
import { installDebianPackage, mayInstallPackages } from "./debian_package.ts";
import { freePort, GaveUp, until } from "./ports.ts";
import { say } from "./terminal.ts";

/** Where the broker comes from, in the order of preference. */
export type RabbitMQOrigin = "AMQP_URL" | "installed" | "docker" | "apt" | "apt, Debian trixie";

/** Names the major version that is wanted, 3 or 4; without it any will do. */
const VERSION_VARIABLE = "RABBITMQ";

/** What makes a node one of a cluster. */
export interface ClusterMember {
  /** Secret that the nodes share. */
  readonly cookie: string;
  /** Tells this node where the others are. */
  readonly portMapper: PortMapper;
  /** Port for the other nodes. */
  readonly distributionPort: number;
  /** Seconds without a sign of life, a quarter more or less, after which another node is taken for down. */
  readonly tickTime: number;
}

/** How to start a broker; everything has a default. */
export interface RabbitMQOptions {
  readonly port?: number;
  /** A broker of our own even where AMQP_URL names one: for tests that stop, freeze or configure it. */
  readonly own?: boolean;
  /** Major version; default: what the variable RABBITMQ wants. */
  readonly version?: number | undefined;
  /** Plugins to enable, such as `rabbitmq_management`; none by default, for a fast start. */
  readonly plugins?: readonly string[];
  /** Port of the management plugin, which is enabled then. */
  readonly managementPort?: number;
  /** More environment for the node, such as `RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS`. */
  readonly env?: Readonly<Record<string, string>>;
  /** A node of a cluster; not in Docker. */
  readonly member?: ClusterMember;
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
  /** Its version: `3.10.8`. */
  readonly version: string;
  readonly #host: RabbitMQHost | undefined;

  private constructor(url: string, origin: RabbitMQOrigin, version: string, host?: RabbitMQHost) {
    this.url = url;
    this.origin = origin;
    this.version = version;
    this.#host = host;
  }

  /** Starts a broker; resolves when a client can log in. */
  static async start(options: RabbitMQOptions = {}): Promise<RabbitMQ> {
    const given = options.own ? undefined : Deno.env.get("AMQP_URL");
    if (given) {
      const version = await login(given, 10_000), wanted = wantedVersion();
      if (wanted !== undefined && parseInt(version) !== wanted) {
        throw new Error(`${VERSION_VARIABLE}=${wanted}, but the broker of AMQP_URL is ${version}`);
      }
      return new RabbitMQ(given, "AMQP_URL", version);
    }
    const port = options.port ?? freePort();
    const { origin, host } = await chooseHost(port, options);
    const url = `amqp://guest:guest@127.0.0.1:${port}`;
    try {
      return new RabbitMQ(url, origin, await boot(host, url), host);
    } catch (error) {
      await host.remove();
      throw error;
    }
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
    await boot(host, this.url);
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

  /** Changes `max_message_size`: 3.10.8 reads it with every channel, 4.0.5 keeps what it found at its start. */
  async limitMessages(bytes: number): Promise<void> {
    const kept = `persistent_term:put(max_message_size, ${bytes})`;
    await this.ctl("eval", `application:set_env(rabbit, max_message_size, ${bytes}), ${kept}.`);
  }

  /**
   * Writes its tables to disk. RabbitMQ 3.10.8 does so some seconds after a queue was declared; killed before, it never
   * finds a leader for the queue again.
   */
  async rememberQueues(): Promise<void> {
    await this.ctl("eval", "mnesia:sync_log(), [dets:sync(Table) || Table <- dets:all()].");
  }

  #own(action: string): RabbitMQHost {
    if (this.#host === undefined) {
      throw new Error(`${action}: not possible on the broker of AMQP_URL, which is not ours; unset AMQP_URL`);
    }
    return this.#host;
  }
}

/** The major version that is wanted; `undefined`: any. */
export function wantedVersion(): number | undefined {
  const wanted = Deno.env.get(VERSION_VARIABLE) ?? "";
  if (/^[34]?$/.test(wanted)) return wanted === "" ? undefined : Number(wanted);
  throw new Error(`${VERSION_VARIABLE}="${wanted}": 3 or 4 is expected`);
}

async function chooseHost(
  port: number,
  options: RabbitMQOptions,
): Promise<{ origin: RabbitMQOrigin; host: RabbitMQHost }> {
  const { version: wanted = wantedVersion() } = options;
  const installed = await installedRabbitMQ(wanted);
  if (installed !== undefined) {
    return { origin: "installed", host: new RabbitMQNode(installed, port, options) };
  }
  if (options.member === undefined && await RabbitMQContainer.isToBeHad(wanted)) {
    return { origin: "docker", host: new RabbitMQContainer(port, options, wanted) };
  }
  if (wanted === 4) {
    const trixie = await rabbitMQOfTrixie();
    if (trixie !== undefined) {
      return { origin: "apt, Debian trixie", host: new RabbitMQNode(trixie, port, options) };
    }
  } else if (await mayInstallPackages()) {
    say("rig: no RabbitMQ here: installing Debian's package rabbitmq-server (its own service stays off)");
    await installDebianPackage("rabbitmq-server");
    const programs = await installedRabbitMQ(wanted);
    if (programs !== undefined) return { origin: "apt", host: new RabbitMQNode(programs, port, options) };
  }
  throw new Error(
    `RabbitMQ${
      wanted === undefined ? "" : ` ${wanted}`
    }: none found. Set AMQP_URL, or install rabbitmq-server, or run ` +
      "Docker, or run as root on Debian",
  );
}

async function boot(host: RabbitMQHost, url: string): Promise<string> {
  await host.boot();
  return await login(url, 60_000, () => host.failIfGone());
}

/**
 * The version of the broker, once a client can log in. An open port is not enough: logins are refused until the boot has
 * gone further.
 */
async function login(url: string, deadline: number, check?: () => Promise<void>): Promise<string> {
  return await until(`RabbitMQ at ${new URL(url).host}`, deadline, async () => {
    await check?.().catch((error: Error) => {
      throw new GaveUp(error.message);
    });
    const client = new GreetedClient(url);
    await client.connect();
    await client.close();
    return client.version;
  });
}

/** Keeps what the broker says of itself, which the library drops. */
class GreetedClient extends AMQPClient {
  version = "unknown";

  constructor(url: string) {
    super(url);
    this.logger = undefined;
  }

  protected override parseFrames(view: AMQPView): void {
    if (this.version === "unknown") this.version = brokerProduct(view).version;
    super.parseFrames(view);
  }
}

import { join } from "node:path";
import { GuardedProcess, run } from "./guarded_process.ts";
import { PortMapper } from "./port_mapper.ts";
import { freePort, until } from "./ports.ts";
import type { RabbitMQHost, RabbitMQOptions } from "./rabbitmq.ts";
import type { RabbitMQPrograms } from "./rabbitmq_programs.ts";

/** Busy waiting off, Debian's default, doubles the start on small machines; the other defaults cost memory. */
const ERLANG_ARGUMENTS = "+S 2:2 +sbwt very_short";
/** Three nodes share the machine. */
const ERLANG_ARGUMENTS_OF_MEMBERS = "+S 1:1 +sbwt very_short";

/**
 * A rabbitmq-server as a node of its own: ports, name, cookie, data and even the Erlang port mapper are private, so it
 * neither meets nor disturbs a node of the machine. Works as root and as anybody else.
 */
export class RabbitMQNode implements RabbitMQHost {
  readonly #programs: RabbitMQPrograms;
  readonly #port: number;
  readonly #options: RabbitMQOptions;
  readonly #name: string;
  #home: string | undefined;
  #env: Record<string, string> = {};
  /** Undefined in a cluster, which has them all. */
  #portMapper: PortMapper | undefined;
  #node: GuardedProcess | undefined;

  constructor(programs: RabbitMQPrograms, port: number, options: RabbitMQOptions) {
    this.#programs = programs;
    this.#port = port;
    this.#options = options;
    this.#name = nodeName(port);
  }

  async boot(): Promise<void> {
    if (this.#home === undefined) await this.#prepare();
    this.#node = await GuardedProcess.start({
      ...this.#programs("rabbitmq-server"),
      env: this.#env,
      log: join(this.#home ?? "", "node.log"),
    });
  }

  async failIfGone(): Promise<void> {
    if (this.#node?.ended !== true) return;
    const log = await Deno.readTextFile(join(this.#home ?? "", "node.log"));
    throw new Error(`the RabbitMQ node ended with exit code ${await this.#node.exit}\n${log.slice(-4000)}`);
  }

  async shutdown(): Promise<void> {
    await this.#node?.stop();
  }

  async kill(): Promise<void> {
    await this.#node?.kill();
  }

  async freeze(): Promise<void> {
    const node = this.#node;
    if (node === undefined) return;
    node.signal("SIGSTOP");
    await until("the node's end of work", 5_000, async () => await isStopped(node.pid) || undefined);
  }

  thaw(): Promise<void> {
    this.#node?.signal("SIGCONT");
    return Promise.resolve();
  }

  ctl(words: readonly string[]): Promise<string> {
    const { command, args } = this.#programs("rabbitmqctl", "--quiet", "--node", this.#name, ...words);
    return run(command, args, { env: this.#env, clearEnv: true });
  }

  async remove(): Promise<void> {
    await this.#node?.kill();
    await this.#portMapper?.[Symbol.asyncDispose]();
    if (this.#home !== undefined) await Deno.remove(this.#home, { recursive: true });
    this.#home = undefined;
  }

  async #prepare(): Promise<void> {
    const home = await Deno.makeTempDir({ prefix: "rabbitmq-" });
    this.#home = home;
    const { plugins, config } = withManagement(this.#options);
    const { env = {}, member } = this.#options;
    const cookie = member?.cookie ?? crypto.randomUUID();
    await Deno.writeTextFile(join(home, ".erlang.cookie"), cookie, { mode: 0o400 });
    await Deno.writeTextFile(join(home, "plugins"), `[${plugins.join(",")}].\n`);
    if (config !== undefined) await Deno.writeTextFile(join(home, "rabbitmq.conf"), config);
    if (member === undefined) this.#portMapper = await PortMapper.start();
    this.#env = {
      PATH: `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/usr/bin:/sbin:/bin`,
      LANG: "C.UTF-8",
      HOME: home,
      ERL_EPMD_PORT: String((member?.portMapper ?? this.#portMapper)?.port),
      RABBITMQ_NODENAME: this.#name,
      RABBITMQ_NODE_PORT: String(this.#port),
      RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
      RABBITMQ_DIST_PORT: String(member?.distributionPort ?? freePort()),
      RABBITMQ_CONF_ENV_FILE: join(home, "none"),
      RABBITMQ_CONFIG_FILE: join(home, config === undefined ? "none" : "rabbitmq"),
      RABBITMQ_ADVANCED_CONFIG_FILE: join(home, "none.config"),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(home, "plugins"),
      RABBITMQ_MNESIA_BASE: join(home, "data"),
      RABBITMQ_LOG_BASE: join(home, "log"),
      RABBITMQ_GENERATED_CONFIG_DIR: join(home, "generated"),
      RABBITMQ_SCHEMA_DIR: join(home, "schema"),
      RABBITMQ_ALLOW_INPUT: "1", // makes the script exec the node, so that our signals reach it
      RABBITMQ_SERVER_START_ARGS: "-noinput",
      RABBITMQ_SERVER_ERL_ARGS: member === undefined ? ERLANG_ARGUMENTS : ERLANG_ARGUMENTS_OF_MEMBERS,
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `-kernel inet_dist_use_interface {127,0,0,1}${
        member === undefined ? "" : ` net_ticktime ${member.tickTime}`
      }`,
      ...env,
    };
  }
}

/** What Erlang calls the node that takes clients at this port. */
export function nodeName(port: number): string {
  return `rabbit-${port}@localhost`;
}

/** Plugins and settings, those of the management plugin included. */
function withManagement({ plugins = [], config, managementPort: port }: RabbitMQOptions) {
  if (port === undefined) return { plugins, config };
  const listener = `management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = ${port}\n`;
  return { plugins: [...plugins, "rabbitmq_management"], config: `${config ?? ""}\n${listener}` };
}

/** A signal stops the threads one by one, and one that still runs may answer. Without /proc it is taken for done. */
async function isStopped(pid: number): Promise<boolean> {
  try {
    for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
      const stat = await Deno.readTextFile(`/proc/${pid}/task/${name}/stat`);
      if (!/\) T /.test(stat)) return false;
    }
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
}

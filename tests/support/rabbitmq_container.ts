import { Container, dockerHas } from "./docker.ts";
import type { RabbitMQHost, RabbitMQOptions } from "./rabbitmq.ts";

/** Images by the major version that is wanted. */
const image = (version = 3) => version === 4 ? "rabbitmq:4" : "rabbitmq:3.13";
const MANAGEMENT_PORT = 15672;

/** RabbitMQ in a Docker container. */
export class RabbitMQContainer implements RabbitMQHost {
  readonly #container: Container;
  readonly #options: RabbitMQOptions;
  #prepared = false;

  constructor(port: number, options: RabbitMQOptions, version?: number) {
    const env = Object.entries(options.env ?? {}).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
    const { managementPort } = options;
    const management = managementPort === undefined
      ? []
      : ["--publish", `127.0.0.1:${managementPort}:${MANAGEMENT_PORT}`];
    // A fixed host name keeps the node's name, and with it its data, over a restart.
    const fixed = ["--hostname", "changefeed-test", "--env", "RABBITMQ_NODENAME=rabbit@localhost"];
    this.#container = new Container({
      image: image(version),
      port,
      innerPort: 5672,
      options: [...fixed, ...management, ...env],
    });
    this.#options = options;
  }

  /** Whether Docker answers here and has the image of this major version, or gets it. */
  static isToBeHad(version?: number): Promise<boolean> {
    return dockerHas(image(version));
  }

  async boot(): Promise<void> {
    await this.#container.start();
    if (this.#prepared) return;
    this.#prepared = true;
    const { config, managementPort } = this.#options;
    const plugins = [
      ...(this.#options.plugins ?? []),
      ...(managementPort === undefined ? [] : ["rabbitmq_management"]),
    ];
    if (config !== undefined) {
      const write = 'printf %s "$0" > /etc/rabbitmq/conf.d/90-test.conf';
      await this.#container.exec(["sh", "-c", write, config]);
    }
    if (plugins.length > 0) {
      await this.#container.exec(["rabbitmq-plugins", "enable", "--offline", ...plugins]);
    }
    if (config !== undefined || plugins.length > 0) await this.#container.command("restart");
  }

  failIfGone(): Promise<void> {
    return this.#container.failIfGone();
  }

  shutdown(): Promise<void> {
    return this.#container.command("stop");
  }

  async kill(): Promise<void> {
    await this.#container.command("kill");
  }

  freeze(): Promise<void> {
    return this.#container.command("pause");
  }

  thaw(): Promise<void> {
    return this.#container.command("unpause");
  }

  ctl(args: readonly string[]): Promise<string> {
    return this.#container.exec(["rabbitmqctl", "--quiet", ...args]);
  }

  remove(): Promise<void> {
    return this.#container.remove();
  }
}

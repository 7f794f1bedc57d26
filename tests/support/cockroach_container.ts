import type { CockroachHost } from "./cockroach.ts";
import { Container, dockerHas } from "./docker.ts";
import { freePort } from "./ports.ts";

const IMAGE = "cockroachdb/cockroach:v23.1.14";

/** CockroachDB in a Docker container; its data stays when it is killed and started again. */
export class CockroachContainer implements CockroachHost {
  readonly url: string;
  readonly #container: Container;

  constructor() {
    const port = freePort();
    this.url = `postgresql://root@127.0.0.1:${port}/defaultdb?sslmode=disable`;
    this.#container = new Container({
      image: IMAGE,
      port,
      innerPort: 26257,
      args: ["start-single-node", "--insecure"],
    });
  }

  /** Whether Docker answers here and has the image, or gets it. */
  static isToBeHad(): Promise<boolean> {
    return dockerHas(IMAGE);
  }

  boot(): Promise<void> {
    return this.#container.start();
  }

  failIfGone(): Promise<void> {
    return this.#container.failIfGone();
  }

  kill(): Promise<void> {
    return this.#container.command("kill");
  }

  drain(): Promise<void> {
    return this.#container.command("stop");
  }

  remove(): Promise<void> {
    return this.#container.remove();
  }
}

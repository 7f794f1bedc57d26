import { type Check, fail, failedNode, ok, once, type Outcome, skip, warn } from "../check.ts";
import { AgentError } from "../errors.ts";
import type { DatabaseUrl } from "../settings/database_url.ts";
import { hostPortText } from "../settings/host_port.ts";
import { PROGRAM } from "../settings/version.ts";
import { connect } from "./connection.ts";
import { loginRemedy } from "./remedies.ts";
import { type Version, versionProblem } from "./version.ts";

/** What a node shows who logs in. */
interface NodeFacts {
  readonly version: Version;
  readonly encrypted: boolean;
}

/** Each node of a cluster: whether it can be reached, takes the login, and is of a version that is known. */
export class NodePreflight {
  /** One for each node, and the version's. */
  readonly checks: readonly Check[];
  /** Names of the checks without which nothing can be asked. */
  readonly names: readonly string[];
  readonly #url: DatabaseUrl;
  readonly #signal: AbortSignal;
  readonly #attempts: () => Promise<readonly (NodeFacts | AgentError)[]>;

  /**
   * Connects to nothing yet.
   *
   * @param whose what to call the cluster: `CockroachDB`
   * @param signal aborts the attempts
   */
  constructor(url: DatabaseUrl, whose: string, signal: AbortSignal) {
    this.#url = url;
    this.#signal = signal;
    this.#attempts = once(() => Promise.all(url.hosts.map((_, index) => this.#attempt(index))));
    const nodes = url.hosts.map((host, index) => ({
      name: `${whose} ${hostPortText(host)}`,
      run: () => this.#login(index),
    }));
    this.names = nodes.map(({ name }) => name);
    this.checks = [...nodes, { name: `${whose} version`, needs: this.names, run: () => this.#version() }];
  }

  async #attempt(index: number): Promise<NodeFacts | AgentError> {
    const hosts = this.#url.hosts.slice(index, index + 1);
    try {
      const connection = await connect({ ...this.#url, hosts }, PROGRAM, this.#signal);
      const { version, encrypted } = connection;
      connection.close();
      return { version, encrypted };
    } catch (failure) {
      return AgentError.from(failure);
    }
  }

  async #login(index: number): Promise<Outcome> {
    const attempts = await this.#attempts();
    const attempt = attempts[index]!;
    const { user, database } = this.#url;
    if (!(attempt instanceof AgentError)) {
      return ok(`user "${user}", database "${database}", ${attempt.encrypted ? "TLS" : "not encrypted"}`);
    }
    const another = attempts.some((other) => !(other instanceof AgentError));
    return failedNode(attempt, loginRemedy(attempt, this.#url), another);
  }

  async #version(): Promise<Outcome> {
    const facts = (await this.#attempts()).find((attempt) => !(attempt instanceof AgentError));
    if (facts === undefined) return skip("no node answers");
    const { version } = facts as NodeFacts;
    if (version.major === 0) return fail("it does not say that it is CockroachDB", "check DATABASE_URL");
    const problem = versionProblem(version);
    if (problem === undefined) return ok(version.text);
    return warn(
      `${version.text}, which is ${problem}`,
      "see the README for the versions that are known to work",
    );
  }
}

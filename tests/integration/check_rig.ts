import assert from "node:assert/strict";
import type { Finding } from "../../src/check.ts";
import { AgentRig } from "../support/agent_rig.ts";
import type { CockroachOptions } from "../support/cockroach.ts";
import { type CommandEnd, runCommand } from "../support/command.ts";
import type { RabbitMQOptions } from "../support/rabbitmq.ts";
import { SECRET } from "./refusal.ts";

/** A feed that could run, and `check` on its settings. */
export class CheckRig implements AsyncDisposable {
  private constructor(readonly agents: AgentRig) {}

  static async start(options: CockroachOptions = {}, broker: RabbitMQOptions = {}): Promise<CheckRig> {
    const agents = await AgentRig.start(options, broker);
    await agents.sql(`CREATE TABLE ${agents.name} (a INT PRIMARY KEY)`);
    return new CheckRig(agents);
  }

  /** `check` on the settings of the rig's agents, with changes. */
  async run(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<CommandEnd> {
    const { agents } = this;
    const end = await runCommand({
      args: ["check", "--table", agents.name, ...args],
      env: agents.environment(env),
    });
    assert.equal(end.stderr, "");
    assert.ok(!end.stdout.includes(SECRET), end.stdout);
    return end;
  }

  /** Every line begins with a tick, but for what cannot be told, and the command ends with 0. */
  async allGood(...given: Parameters<CheckRig["run"]>): Promise<string> {
    const { code, stdout } = await this.run(...given);
    assert.equal(stdout.replaceAll(/^(?:✓ .*|– .* cannot be told: .*(?:\n {4}.*)?)\n/gm, ""), "");
    assert.equal(code, 0);
    return stdout;
  }

  /** What is not good, by the check's name; the command ends with 1 exactly if something fails. */
  async problems(...given: Parameters<CheckRig["run"]>): Promise<Map<string, Finding>> {
    const [args = [], env] = given;
    const { code, stdout } = await this.run(["--json", ...args], env);
    const found: Finding[] = JSON.parse(stdout);
    assert.equal(code, found.some(({ status }) => status === "fail") ? 1 : 0, stdout);
    for (const { status, fix } of found) assert.ok(status !== "fail" || fix !== undefined, stdout);
    const isProblem = ({ status, found }: Finding) =>
      status !== "ok" && !found.startsWith("cannot be told: ");
    return new Map(found.filter(isProblem).map((finding) => [finding.check, finding]));
  }

  /** Runs the SQL that a finding gives, as root. */
  async mend(finding: Finding | undefined): Promise<void> {
    const statements = finding?.fix?.split(/;\s*/).filter((text) => text !== "") ?? [];
    assert.ok(statements.length > 0, JSON.stringify(finding));
    await this.agents.sql(...statements);
  }

  /** Runs the rabbitmqctl that a finding gives. */
  async mendBroker(finding: Finding | undefined, secret = ""): Promise<void> {
    for (const command of finding?.fix?.split("; ") ?? []) {
      const [program, ...words] = shellWords(command);
      assert.equal(program, "rabbitmqctl", command);
      await this.agents.rabbitmq.ctl(...words.map((word) => word === "…" ? secret : word));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agents[Symbol.asyncDispose]();
  }
}

/** A command without variables and the like, as a shell takes it apart. */
export function shellWords(command: string): string[] {
  const words = command.match(/(?:'[^']*'|\\.|[^\s'\\])+/g) ?? [];
  return words.map((word) => word.replace(/'([^']*)'|\\(.)/g, (_, quoted, escaped) => quoted ?? escaped));
}

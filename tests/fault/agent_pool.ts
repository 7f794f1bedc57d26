import assert from "node:assert/strict";
import type { AgentProcess } from "../support/agent_process.ts";

/** Agents of one feed: at most one publishes, the others stand by. */
export class AgentPool {
  readonly #start: () => Promise<AgentProcess>;
  readonly #running: AgentProcess[] = [];

  /** Empty at first; `first` is one that runs already. */
  constructor(first: AgentProcess, start: () => Promise<AgentProcess>) {
    this.#running.push(first);
    this.#start = start;
  }

  /** Starts one more. */
  async grow(): Promise<void> {
    this.#running.push(await this.#start());
  }

  /** The one that publishes; any of them when none does. None may be frozen. */
  async active(): Promise<AgentProcess> {
    for (const agent of this.#running) {
      const metrics = await (await agent.get("/metrics")).text();
      if (/^changefeed_state\{[^}]*state="streaming"\} 1$/m.test(metrics)) return agent;
    }
    return this.#running[0]!;
  }

  /** Takes one out, which ends now or soon; gives its exit code. Whoever calls this has sent the signal. */
  async leave(agent: AgentProcess): Promise<{ readonly code: number; readonly output: string }> {
    this.#running.splice(this.#running.indexOf(agent), 1);
    const { code, output } = await agent.end();
    await agent[Symbol.asyncDispose]();
    return { code, output };
  }

  /** All of them run: none has stopped for good. */
  async check(): Promise<void> {
    for (const agent of this.#running) assert.equal((await agent.get("/healthz")).status, 200);
  }

  /** Ends all in order. */
  async stop(): Promise<void> {
    for (const agent of this.#running) assert.equal(await agent.stop(), 0, await agent.output());
  }

  /** Kills those that run. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const agent of this.#running) await agent[Symbol.asyncDispose]();
  }
}

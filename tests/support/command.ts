import { agentCommand, type AgentOptions } from "./agent_process.ts";

/** How a command ended. */
export interface CommandEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const TIMEOUT = 60_000;

/** Runs the program to its end with the executable's permissions. */
export async function runCommand(options: AgentOptions): Promise<CommandEnd> {
  const { command, args, env } = agentCommand(options);
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args,
    env,
    clearEnv: true,
    stdin: "null",
    signal: AbortSignal.timeout(TIMEOUT),
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

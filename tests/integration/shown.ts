import type { AgentProcess } from "../support/agent_process.ts";

const PAGES = ["/metrics", "/", "/?live", "/healthz", "/readyz", "/nothing"];

/**
 * Everything that a running agent shows: its log, its pages with their headers, and its title.
 *
 * @param address of its HTTP server, where the log does not tell
 */
export async function shownBy(agent: AgentProcess, address?: string): Promise<string> {
  const get = (path: string) => address === undefined ? agent.get(path) : fetch(`http://${address}${path}`);
  const shown = [await agent.output(), await titleOf(agent.pid)];
  for (const path of PAGES) {
    const response = await get(path);
    shown.push(JSON.stringify([...response.headers]), await response.text());
  }
  return shown.join("\n");
}

/** The command line as other users of the machine see it; empty where there is no /proc. */
async function titleOf(pid: number): Promise<string> {
  const files = ["cmdline", "comm"].map((name) => Deno.readTextFile(`/proc/${pid}/${name}`).catch(() => ""));
  return (await Promise.all(files)).join("\n");
}

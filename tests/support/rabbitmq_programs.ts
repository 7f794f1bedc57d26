import { dirname, join } from "node:path";
import { DebianRoot } from "./debian_root.ts";
import { findProgram, run } from "./guarded_process.ts";

/** A program, and what it is called with. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

/** How to run the programs of a RabbitMQ on this machine. */
export type RabbitMQPrograms = (program: "rabbitmq-server" | "rabbitmqctl", ...args: string[]) => Command;

/**
 * Where Debian and the archives of RabbitMQ have its own scripts; `rabbitmq-env` lies beside the server. Debian's
 * `rabbitmq-server` on PATH is a wrapper that insists on the user rabbitmq and the system's folders.
 */
const SCRIPTS = "/usr/lib/rabbitmq/bin";

/** An installed RabbitMQ, of this major version if one is given. */
export async function installedRabbitMQ(major?: number): Promise<RabbitMQPrograms | undefined> {
  const onPath = await findProgram("rabbitmq-server", ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"]);
  const folders = [SCRIPTS, "/opt/rabbitmq/sbin"];
  if (onPath !== undefined) folders.unshift(dirname(await Deno.realPath(onPath)));
  for (const folder of folders) {
    const parts = ["rabbitmq-server", "rabbitmq-env"].map((name) => Deno.stat(join(folder, name)));
    if ((await Promise.allSettled(parts)).some(({ status }) => status === "rejected")) continue;
    if (major === undefined || await majorVersionIn(folder) === major) {
      return (program, ...args) => ({ command: join(folder, program), args });
    }
  }
  return undefined;
}

/** RabbitMQ 4 as the next release of Debian has it, in a root of its own; `undefined` where that cannot be had. */
export async function rabbitMQOfTrixie(): Promise<RabbitMQPrograms | undefined> {
  if (!await DebianRoot.isToBeHad()) return undefined;
  const root = await DebianRoot.of("trixie", ["rabbitmq-server"]);
  return (program, ...args) => root.command(join(SCRIPTS, program), args);
}

async function majorVersionIn(folder: string): Promise<number> {
  return parseInt(await run(join(folder, "rabbitmqctl"), ["version"]));
}

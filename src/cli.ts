import type { Writable } from "node:stream";
import { check } from "./commands/check.ts";
import { cursor } from "./commands/cursor.ts";
import { health } from "./commands/health.ts";
import { run } from "./commands/run.ts";
import type { Task } from "./config.ts";

/**
 * Does what the arguments ask for. True when that is done; what went wrong otherwise is printed.
 *
 * @param stop ends a command that would go on
 */
export function execute(task: Task, stdout: Writable, stop: AbortSignal): Promise<boolean> {
  switch (task.kind) {
    case "run":
      return run(task.config, stdout, stop);
    case "check":
      return check(task.config, task.json, stdout, stop);
    case "cursor":
      return cursor(task.action, task.config, stdout, stop);
    case "health":
      return health(task.http, stdout);
  }
}

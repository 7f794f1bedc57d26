import type { Writable } from "node:stream";
import { askHealth } from "../http/health.ts";
import type { HostPort } from "../settings/host_port.ts";
import { print } from "./output.ts";

/** The command `health`: one line of what `/healthz` says; true when all is well. */
export async function health(address: HostPort, stdout: Writable): Promise<boolean> {
  const { ok, reason } = await askHealth(address);
  await print(stdout, `${ok ? "healthy" : "not healthy"}: ${reason}`);
  return ok;
}

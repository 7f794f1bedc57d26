import type { AgentError } from "./errors.ts";
import { describeFailure } from "./telemetry/failure.ts";

/** `ok`: good. `warn`: it works, but not for ever or not as well as it might. `fail`: it does not. `skip`: not known. */
export type CheckStatus = "ok" | "warn" | "fail" | "skip";

/** What a check came to. */
export interface Outcome {
  /** How it ended. */
  readonly status: CheckStatus;
  /** What was found, in one line. */
  readonly found: string;
  /** A command to copy that mends it, or where there is none what to do. */
  readonly fix?: string;
}

/** One thing that has to be right before a feed can run. It leaves nothing behind. */
export interface Check {
  /** What is checked, in a few words. */
  readonly name: string;
  /** Names of checks without which this one can find nothing. */
  readonly needs?: readonly string[];
  /** Looks; what it throws is a failure. */
  run(): Promise<Outcome>;
}

/** A check and what it came to. */
export interface Finding extends Outcome {
  /** Name of the check. */
  readonly check: string;
}

/** It is good. */
export function ok(found: string): Outcome {
  return { status: "ok", found };
}

/** It works, but not for ever or not as well as it might. */
export function warn(found: string, fix?: string): Outcome {
  return { status: "warn", found, ...(fix === undefined ? {} : { fix }) };
}

/** It does not work. */
export function fail(found: string, fix: string): Outcome {
  return { status: "fail", found, fix };
}

/** Nobody can say; `fix` is what would tell. */
export function skip(found: string, fix?: string): Outcome {
  return { status: "skip", found, ...(fix === undefined ? {} : { fix }) };
}

/** It does not work, for this reason. Credentials are cut out of it. */
export function failed(failure: unknown, fix?: string): Outcome {
  const { message, hint } = describeFailure(failure);
  return fail(message, fix ?? hint);
}

/** A node cannot be used. One that is down is no failure while another one answers: a feed goes there. */
export function failedNode(failure: AgentError, fix: string, another: boolean): Outcome {
  const outcome = failed(failure, fix);
  return another && failure.action === "retry" ? { ...outcome, status: "warn" } : outcome;
}

/** Runs checks, one after the other. One that needs what failed, or was not checked, is not checked either. */
export async function* findings(checks: readonly Check[]): AsyncGenerator<Finding> {
  const missing = new Set<string>();
  for (const check of checks) {
    const { name, needs = [] } = check;
    const lacking = needs.find((need) => missing.has(need));
    const outcome = lacking === undefined
      ? await check.run().catch((failure) => failed(failure))
      : skip(`not checked without: ${lacking}`);
    if (lacking !== undefined || outcome.status === "fail") missing.add(name);
    yield { check: name, ...outcome };
  }
}

/** The answer to a question that several checks ask; it is put once. */
export function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => answer ??= ask();
}

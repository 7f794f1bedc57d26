/** A port of this machine that nobody listens on now. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

/** Resolves after a time; the only clock of the rig, for polling what gives no signal. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Asks again and again until the answer is neither `undefined` nor an error; fails at the deadline. */
export async function until<T>(
  what: string,
  deadline: number,
  ask: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const end = Date.now() + deadline;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      if (error instanceof GaveUp) throw error;
      last = error;
    }
    if (Date.now() >= end) throw new Error(`${what}: not within ${deadline} ms`, { cause: last });
    await pause(25);
  }
}

/** Thrown inside {@linkcode until} when asking again is of no use. */
export class GaveUp extends Error {
  override name = "GaveUp";
}

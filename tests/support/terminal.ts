const encoder = new TextEncoder();

/** Writes one line to stderr: what the rig is doing, apart from the output of the tests. */
export function say(line: string): void {
  Deno.stderr.writeSync(encoder.encode(`${line}\n`));
}

/** Writes one line to stdout. */
export function print(line: string): void {
  Deno.stdout.writeSync(encoder.encode(`${line}\n`));
}

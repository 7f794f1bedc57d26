/** What to run under guard. */
export interface GuardedCommand {
  readonly command: string;
  readonly args?: readonly string[];
  /** The whole environment: nothing is inherited, so that settings of the machine cannot get in. */
  readonly env: Readonly<Record<string, string>>;
  /** File that takes stdout and stderr; without it they go to this process's stderr. */
  readonly log?: string;
}

/**
 * The shell keeps the program's pid and reads the pipe we hold: when this process is gone, in whatever way,
 * the pipe ends and the program is killed. Programs that outlive a killed test run hold ports and memory.
 */
const GUARD = `
trap '' INT HUP
log=$1; shift
exec 3<&0
if [ -n "$log" ]; then exec 4>>"$log"; else exec 4>&2; fi
"$@" </dev/null 3<&- >&4 2>&4 4>&- &
child=$!
echo $child
exec >/dev/null 2>&1 4>&-
{ cat <&3; kill -9 $child; } &
guard=$!
wait $child
code=$?
kill $guard
exit $code
`;

/** A child process that cannot outlive this one, even when this one is killed. */
export class GuardedProcess {
  /** The program's own process id, for signals. */
  readonly pid: number;
  /** Settles when the program is gone. */
  readonly exit: Promise<number>;
  /** True once the program is gone. */
  ended = false;
  readonly #shell: Deno.ChildProcess;

  private constructor(shell: Deno.ChildProcess, pid: number) {
    this.#shell = shell;
    this.pid = pid;
    this.exit = shell.status.then(async ({ code }) => {
      this.ended = true;
      await shell.stdin.close().catch(() => undefined); // broken already when the guard was first
      return code;
    });
  }

  /** Starts the program; resolves with its pid known, not with the program ready. */
  static async start(
    { command, args = [], env, log = "" }: GuardedCommand,
  ): Promise<GuardedProcess> {
    const shell = new Deno.Command("/bin/sh", {
      args: ["-c", GUARD, "guard", log, command, ...args],
      clearEnv: true,
      detached: true, // Ctrl-C reaches only us
      env,
      stdin: "piped",
      stdout: "piped",
      stderr: log === "" ? "inherit" : "null",
    }).spawn();
    let line = "";
    for await (const text of shell.stdout.pipeThrough(new TextDecoderStream())) {
      line += text;
      if (line.includes("\n")) break;
    }
    return new GuardedProcess(shell, Number(line));
  }

  /** Sends a signal to the program itself; nothing happens when it is gone. */
  signal(signal: Deno.Signal): void {
    try {
      if (!this.ended) Deno.kill(this.pid, signal);
    } catch (error) {
      // It has just gone, and its exit is not known here yet.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** SIGKILL, and waits until it is gone. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.exit;
  }

  /** SIGTERM, then SIGKILL when it is still there at the deadline. */
  async stop(deadline = 10_000): Promise<void> {
    this.signal("SIGTERM");
    const timer = setTimeout(() => this.signal("SIGKILL"), deadline);
    await this.exit;
    clearTimeout(timer);
  }
}

/** The path of a program, looked up as a shell does; `undefined` when there is none. */
export async function findProgram(
  name: string,
  folders: readonly string[] = [],
): Promise<string | undefined> {
  for (const folder of [...(Deno.env.get("PATH") ?? "").split(":"), ...folders]) {
    const path = `${folder}/${name}`;
    const info = await Deno.stat(path).catch(() => undefined);
    if (info?.isFile && ((info.mode ?? 0) & 0o111) !== 0) return path;
  }
  return undefined;
}

/** Runs a program to its end and gives its output; throws with that output when it fails. */
export async function run(
  command: string,
  args: readonly string[],
  options: { env?: Record<string, string>; clearEnv?: boolean; cwd?: string; timeout?: number } = {},
): Promise<string> {
  const { timeout = 60_000, ...rest } = options;
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    stdin: "null",
    signal: AbortSignal.timeout(timeout),
    ...rest,
  }).output();
  const decoder = new TextDecoder();
  if (code !== 0) {
    const output = `${decoder.decode(stdout)}${decoder.decode(stderr)}`.trim();
    throw new Error(`${command} ${args.join(" ")}: exit code ${code}\n${output}`);
  }
  return decoder.decode(stdout);
}

import { compile } from "../support/compile.ts";
import { GuardedProcess } from "../support/guarded_process.ts";

/** nobody: may write nowhere, owns nothing. */
const NOBODY = 65534;

/** How a run of the executable ended. */
export interface Ending {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * The executable as somebody finds it who has only that: copied into an empty folder of its own, run there with no
 * environment but the given one and, where this process is root, by a user who may not write there.
 */
export class Executable implements AsyncDisposable {
  /** Where the copy lies. */
  readonly path: string;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.path = `${folder}/crdb-changefeed-publisher`;
  }

  /** Compiles when it must. */
  static async prepare(): Promise<Executable> {
    const original = await compile();
    const executable = new Executable(await Deno.makeTempDir({ prefix: "changefeed-test-" }));
    await Deno.copyFile(original, executable.path);
    await Deno.chmod(executable.path, 0o555);
    await Deno.chmod(executable.#folder, 0o555);
    return executable;
  }

  /** Starts it; its log goes to the file. */
  start(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    log: string,
  ): Promise<GuardedProcess> {
    const user = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
    const program = [...Deno.uid() === 0 ? user : [], this.path, ...args];
    const inFolder = ["-c", 'cd "$0" && exec "$@"', this.#folder];
    return GuardedProcess.start({ command: "/bin/sh", args: [...inFolder, ...program], env, log });
  }

  /** Runs it to its end. */
  async run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ending> {
    const command = new Deno.Command(this.path, {
      args: [...args],
      cwd: this.#folder,
      clearEnv: true,
      env: { ...env },
      stdin: "null",
      ...(Deno.uid() === 0 ? { uid: NOBODY, gid: NOBODY } : {}),
    });
    const { code, stdout, stderr } = await command.output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  /** Removes the copy. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.chmod(this.#folder, 0o755);
    await Deno.remove(this.#folder, { recursive: true });
  }
}

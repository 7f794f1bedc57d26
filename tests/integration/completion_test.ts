import assert from "node:assert/strict";
import { COMMAND_NAMES } from "../../src/settings/commands.ts";
import { runCommand } from "../support/command.ts";
import { offers, programOrPackage, type Shell } from "../support/shell_completion.ts";
import { say } from "../support/terminal.ts";

const PROGRAM = "crdb-changefeed-publisher";
const COMMANDS = [...new Set(COMMAND_NAMES.map((name) => name.split(" ")[0] ?? name))].sort();

/** What is typed behind the program's name, and what a shell has to offer then. */
const CASES: readonly (readonly [string, readonly string[]])[] = [
  ["", COMMANDS],
  ["com", ["completion"]],
  ["cursor ", ["adopt", "delete", "list", "set", "show"]],
  ["--table orders cursor s", ["set", "show"]],
  ["completion ", ["bash", "fish", "zsh"]],
  ["cursor list --js", ["--json"]],
  ["cursor set --js", []],
  ["cursor delete --forc", ["--force"]],
  ["health --fo", ["--format"]],
  ["--lock ", ["exclusive-queue", "none"]],
  ["--lock=ex", ["exclusive-queue"]],
  ["--table orders --queue-type q", ["quorum"]],
  ["--d", ["--dead-letter-queue", "--declare", "--diff", "--drain-timeout"]],
  ["--no-d", ["--no-diff"]],
  ["--amqp-tls-ca deno.l", ["deno.lock"]],
  ["--feed ", []],
];

for (const shell of ["bash", "zsh", "fish"] as const satisfies Shell[]) {
  const program = await programOrPackage(shell);
  if (program === undefined) say(`completion: no ${shell} here: its completion is not tried`);
  Deno.test({
    name: `${shell} completes commands, flags and values`,
    ignore: program === undefined,
    async fn() {
      const { code, stdout } = await runCommand({ args: ["completion", shell], env: {} });
      assert.equal(code, 0);
      const lines = CASES.map(([typed]) => `${PROGRAM} ${typed}`);
      const offered = await offers(shell, program ?? shell, stdout, lines);
      assert.deepEqual(CASES.map(([typed], which) => [typed, plain(typed, offered[which])]), CASES);
      say(`completion: ${shell} offered what it should in ${CASES.length} cases`);
    },
  });
}

/** fish offers what follows `--lock=` with the flag in front. */
function plain(typed: string, words: readonly string[] = ["nothing was answered"]): readonly string[] {
  const flag = /--[a-z-]+=/.exec(typed)?.[0] ?? "";
  return words.map((word) => word.startsWith(flag) ? word.slice(flag.length) : word);
}

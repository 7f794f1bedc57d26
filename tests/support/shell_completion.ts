import { findProgram, run } from "./guarded_process.ts";
import { installDebianPackage, mayInstallPackages } from "./debian_package.ts";
import { say } from "./terminal.ts";

/** Shells that complete words. */
export type Shell = "bash" | "zsh" | "fish";

/** Gives a program's path: installed, or else Debian's package of that name as root; `undefined` where neither can be. */
export async function programOrPackage(name: string): Promise<string | undefined> {
  const found = await findProgram(name);
  if (found !== undefined || !await mayInstallPackages()) return found;
  say(`${name}: not here: installing Debian's package`);
  await installDebianPackage(name);
  return await findProgram(name);
}

/** Every line on stdin is words, the last of them unfinished. */
const BASH = `
source "$1"
while IFS= read -r line; do
  # As readline splits it: "=" is a word of its own.
  COMP_WORDS=(\${line//=/ = })
  [[ $line != *[[:space:]=] ]] || [[ $line == *= ]] || COMP_WORDS+=("")
  COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
  _crdb_changefeed_publisher
  printf '%s\\n' "\${COMPREPLY[@]}" --end
done
`;

/** Types every line and a tab into a zsh of its own, on a terminal; what it would offer is kept in a file. */
const ZSH = String.raw`
zmodload zsh/zpty
export SCRIPT=$1 OFFERED=$2 ZDOTDIR=$HOME
cat >$HOME/.zshrc <<'RC'
  PROMPT=--ready
  autoload -Uz compinit; compinit -u -D; source $SCRIPT
  compadd() {
    [[ "$@[1,(i)(-|--)]" != *-(O|A|D)\ * ]] || { builtin compadd "$@"; return }
    local -a offered
    builtin compadd -A offered "$@"
    print -rl -- $offered >>$OFFERED
    builtin compadd "$@"
  }
  finish() { print -- --end >>$OFFERED; print -- --end; comppostfuncs=(finish) }
  comppostfuncs=(finish)
  LISTMAX=10000
  bindkey "^I" complete-word
  bindkey "^U" kill-whole-line
RC
zpty shell zsh -d -i
zpty -r shell text '*--ready*'
while IFS= read -r line; do
  zpty -w -n shell "$line"$'\t'
  zpty -r shell text '*--end*'
  zpty -w -n shell $'\C-U'
done
zpty -d shell
`;

const FISH = `
source $argv[1]
while read --local line
  complete -C $line | string split --fields 1 \\t
  echo -- --end
end
`;

/**
 * fish 4 (4.0.2) names beside what begins with the word whatever has its letters in this order. It shows those only where
 * nothing begins so.
 */
function lastWord(line = ""): string {
  return line.slice(line.lastIndexOf(" ") + 1);
}

/**
 * What a shell offers at the end of each line, sorted. The script is what the program's command `completion` printed.
 *
 * @param program path of the shell
 */
export async function offers(
  shell: Shell,
  program: string,
  script: string,
  lines: readonly string[],
): Promise<readonly string[][]> {
  const folder = await Deno.makeTempDir({ prefix: "changefeed-completion-" });
  try {
    const file = `${folder}/script`, offered = `${folder}/offered`, typed = `${folder}/typed`;
    const driver = { bash: BASH, zsh: ZSH, fish: FISH }[shell];
    await Deno.writeTextFile(file, script);
    await Deno.writeTextFile(typed, lines.map((line) => `${line}\n`).join(""));
    await Deno.writeTextFile(`${folder}/driver`, driver);
    await Deno.writeTextFile(offered, "");
    const command = `exec "$0" "$1" "$2" "$3" <"$4"`;
    const env = { HOME: folder, TERM: "dumb", LANG: "C.UTF-8" };
    const args = ["-c", command, program, `${folder}/driver`, file, offered, typed];
    const stdout = await run("/bin/sh", args, { env, timeout: 60_000 });
    const text = shell === "zsh" ? await Deno.readTextFile(offered) : stdout;
    return text.split("--end\n").slice(0, -1).map((part, which) => {
      const words = part.split("\n").filter((word) => word !== "");
      const shown = shell === "fish"
        ? words.filter((word) => word.startsWith(lastWord(lines[which])))
        : words;
      return [...new Set(shown)].sort();
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

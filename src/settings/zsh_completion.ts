import {
  type CompletedFlag,
  completedFlags,
  type CompletedWord,
  firstWords,
  secondWords,
} from "./completion.ts";
import { PROGRAM } from "./version.ts";

/** A function for zsh's completion system that completes commands, flags and values, and says what they mean. */
export function zshCompletion(): string {
  const flags = completedFlags();
  const everywhere = flags.filter(({ commands }) => commands === undefined);
  const ofCommands = flags.flatMap((flag) => (flag.commands ?? []).map((command) => ({ flag, command })));
  const lines = (indent: string, texts: readonly string[]) =>
    texts.map((text) => `${indent}${text}`).join("\n");
  return `#compdef ${PROGRAM}
# zsh completion for ${PROGRAM}: the file _${PROGRAM} in a folder of fpath, or behind compinit
# eval "$(${PROGRAM} completion zsh)"
_${PROGRAM}() {
  local curcontext=$curcontext state
  local -a flags found line
  local -A opt_args
  flags=(
${lines("    ", everywhere.map(specification))}
  )
${
    lines(
      "  ",
      ofCommands.map(({ flag, command }) =>
        `[[ " $words " != *" ${command} "* ]] || flags+=(${specification(flag)})`
      ),
    )
  }
  _arguments -C -s $flags '1: :->first' '2: :->second' && return
  case $state in
    first) found=(
${lines("      ", firstWords().map(description))}
    ) ;;
    second) case $line[1] in
${
    [...secondWords()].map(([first, words]) =>
      `      ${first}) found=(\n${lines("        ", words.map(description))}\n      ) ;;`
    ).join("\n")
  }
    esac ;;
  esac
  _describe command found
}
if [[ $funcstack[1] == _${PROGRAM} ]]; then _${PROGRAM} "$@"; else compdef _${PROGRAM} ${PROGRAM}; fi`;
}

function specification({ name, meaning, value, many }: CompletedFlag): string {
  const flag = `${many ? "*" : ""}${name}${value === undefined ? "" : "="}[${escaped(meaning, /[\[\]\\]/g)}]`;
  if (value === undefined) return inQuotes(flag);
  const action = value.isPath ? "_files" : value.choices.length > 0 ? `(${value.choices.join(" ")})` : " ";
  return inQuotes(`${flag}:${escaped(value.name, /[:\\]/g)}:${action}`);
}

function description({ word, meaning }: CompletedWord): string {
  return inQuotes(`${word}:${escaped(meaning, /[:\\]/g)}`);
}

function escaped(text: string, special: RegExp): string {
  return text.replace(special, "\\$&");
}

function inQuotes(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

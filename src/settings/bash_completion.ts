import {
  type CompletedFlag,
  completedFlags,
  type CompletedWord,
  firstWords,
  secondWords,
} from "./completion.ts";
import { PROGRAM } from "./version.ts";

/** A function for bash (3.2 on, as macOS has it) that completes commands, flags and values. */
export function bashCompletion(): string {
  const flags = completedFlags();
  const everywhere = flags.filter(({ commands }) => commands === undefined);
  const withValue = flags.filter(({ value }) => value !== undefined);
  const choices = withValue.filter(({ value }) => value?.choices.length !== 0);
  const paths = withValue.filter(({ value }) => value?.isPath);
  return `# bash completion for ${PROGRAM}: eval "$(${PROGRAM} completion bash)"
_crdb_changefeed_publisher() {
  local IFS=$' \\t\\n' current=\${COMP_WORDS[COMP_CWORD]} word flag= asked= words= flags= i
  # "=" is a word of its own here.
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in
      =) ;;
      ${names(withValue, "|")}) flag=$word ;;
      -*) flag= ;;
      *) [[ -n $flag ]] || asked+=" $word"; flag= ;;
    esac
  done
  [[ $current != = ]] || current=
  COMPREPLY=()
  case $flag in
    "") ;;
${choices.map(({ name, value }) => `    ${name}) words="${value?.choices.join(" ")}" ;;`).join("\n")}
    ${names(paths, "|")})
      compopt -o filenames 2>/dev/null
      IFS=$'\\n'
      COMPREPLY=($(compgen -f -- "$current"))
      return ;;
    *) return ;;
  esac
  if [[ -z $flag ]]; then
    flags="${names(everywhere, " ")}"
    case $asked in
      "") words="${wordsOf(firstWords())}" ;;
${[...secondWords()].map(([first, words]) => `      " ${first}") words="${wordsOf(words)}" ;;`).join("\n")}
    esac
${switchesByCommand(flags)}
    [[ $current != -* ]] || words=$flags
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _crdb_changefeed_publisher ${PROGRAM}`;
}

function switchesByCommand(flags: readonly CompletedFlag[]): string {
  return flags.filter(({ commands }) => commands !== undefined).map(({ name, commands = [] }) =>
    `    case "$asked " in ${
      commands.map((command) => `" ${command} "*`).join("|")
    }) flags+=" ${name}" ;; esac`
  ).join("\n");
}

function names(flags: readonly CompletedFlag[], separator: string): string {
  return flags.map(({ name }) => name).join(separator);
}

function wordsOf(words: readonly CompletedWord[]): string {
  return words.map(({ word }) => word).join(" ");
}

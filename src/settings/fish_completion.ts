import {
  type CompletedFlag,
  completedFlags,
  type CompletedWord,
  firstWords,
  secondWords,
} from "./completion.ts";
import { PROGRAM } from "./version.ts";

/** Lines for fish that complete commands, flags and values, and say what they mean. */
export function fishCompletion(): string {
  return [
    `# fish completion for ${PROGRAM}: ${PROGRAM} completion fish | source`,
    line("-f"),
    ...firstWords().map((word) => wordLine("__fish_use_subcommand", word)),
    ...[...secondWords()].flatMap(([first, words]) => {
      const seen = words.map(({ word }) => word).join(" ");
      const condition = `${seenWords(first)}; and not ${seenWords(seen)}`;
      return words.map((word) => wordLine(condition, word));
    }),
    ...completedFlags().map(flagLine),
  ].join("\n");
}

function flagLine({ name, meaning, value, commands }: CompletedFlag): string {
  const lastWords = commands?.map((command) => command.split(" ").at(-1)).join(" ");
  const condition = lastWords === undefined ? "" : `-n ${inQuotes(seenWords(lastWords))} `;
  const choices = value === undefined || value.choices.length === 0
    ? ""
    : ` -a ${inQuotes(value.choices.join(" "))}`;
  const argument = value === undefined ? "" : value.isPath ? " -r -F" : ` -x${choices}`;
  return line(`${condition}-l ${name.replace("--", "")}${argument} -d ${inQuotes(meaning)}`);
}

function wordLine(condition: string, { word, meaning }: CompletedWord): string {
  return line(`-n ${inQuotes(condition)} -a ${word} -d ${inQuotes(meaning)}`);
}

function seenWords(words: string): string {
  return `__fish_seen_subcommand_from ${words}`;
}

function line(rest: string): string {
  return `complete -c ${PROGRAM} ${rest}`;
}

function inQuotes(text: string): string {
  return `'${text.replace(/['\\]/g, "\\$&")}'`;
}

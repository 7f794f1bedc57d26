import { COMMAND_NAMES, commandRow, SWITCHES } from "./commands.ts";
import { readPath } from "./reading.ts";
import { flagName, isSwitch, type Setting } from "./setting.ts";
import { SETTINGS } from "./settings.ts";

/** A flag, as every shell needs it to complete words. */
export interface CompletedFlag {
  /** `--lock` */
  readonly name: string;
  /** What it is for. */
  readonly meaning: string;
  /** `undefined`: it has none. */
  readonly value?: FlagValue;
  /** It may be given more than once. */
  readonly many: boolean;
  /** The commands that take it, all unless given. */
  readonly commands?: readonly string[];
}

/** What follows a flag. */
export interface FlagValue {
  /** What help calls it. */
  readonly name: string;
  /** What it can be, where that is known. */
  readonly choices: readonly string[];
  /** It is the path of a file. */
  readonly isPath: boolean;
}

/** A word behind the program's name, or behind the first word of a command that has two. */
export interface CompletedWord {
  /** The word itself. */
  readonly word: string;
  /** What it does. */
  readonly meaning: string;
}

/** Every flag: of the settings, of some commands, and those that end at once. */
export function completedFlags(): readonly CompletedFlag[] {
  const ofSettings = Object.values<Setting>(SETTINGS).flatMap((setting) => {
    const name = flagName(setting);
    if (name === undefined) return [];
    const { meaning } = setting;
    if (!isSwitch(setting)) return [{ name, meaning, value: valueOf(setting), many: setting.many === true }];
    return [
      { name, meaning, many: false },
      { name: name.replace("--", "--no-"), meaning: `Not ${name}`, many: false },
    ];
  });
  const ofCommands = Object.entries(SWITCHES).map(([key, { flag, meaning }]) => ({
    name: flag,
    meaning,
    many: false,
    commands: COMMAND_NAMES.filter((command) =>
      commandRow(command).switches?.some((name) => name === key) === true
    ),
  }));
  return [
    ...ofSettings,
    ...ofCommands,
    { name: "--help", meaning: "Show all commands and settings", many: false },
    { name: "--version", meaning: "Show the version", many: false },
  ];
}

/** The first words of the commands; a command of two words has its meaning with the second. */
export function firstWords(): readonly CompletedWord[] {
  const firsts = new Set(COMMAND_NAMES.map((name) => name.split(" ")[0] ?? name));
  return [...firsts].map((word) => {
    const seconds = secondWords().get(word);
    const meaning = seconds?.map(({ word }) => word).join(", ") ??
      COMMAND_NAMES.filter((name) => name === word).map((name) => commandRow(name).meaning).join();
    return { word, meaning };
  });
}

/** The second words of those commands that have two, by their first. */
export function secondWords(): ReadonlyMap<string, readonly CompletedWord[]> {
  const words = new Map<string, CompletedWord[]>();
  for (const name of COMMAND_NAMES) {
    const [first = "", word] = name.split(" ");
    if (word === undefined) continue;
    words.set(first, [...words.get(first) ?? [], { word, meaning: commandRow(name).meaning }]);
  }
  return words;
}

function valueOf(setting: Setting): FlagValue {
  const { flag = "", read } = setting;
  return {
    name: flag.slice(flag.indexOf(" ") + 1),
    choices: "choices" in read ? read.choices as readonly string[] : [],
    isPath: read === readPath,
  };
}

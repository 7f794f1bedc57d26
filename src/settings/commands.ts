import type { SettingName } from "./settings.ts";

/** One row of the table of commands: all that arguments, `--help` and the README need to know. */
export interface CommandRow {
  /** What it does. */
  readonly meaning: string;
  /** The settings that it reads, all unless given. The others may be there, right or wrong. */
  readonly reads?: readonly SettingName[];
}

/** THE table of commands, by the words that ask for them. */
export const COMMANDS = {
  run: { meaning: "Publish until stopped; this is done when no command is given" },
  health: { meaning: "Ask the publisher at PROMETHEUS_ADDR whether it is well", reads: ["http"] },
} as const satisfies Readonly<Record<string, CommandRow>>;

/** The words that ask for a command. */
export type CommandName = keyof typeof COMMANDS;

/** The commands in the order of help and README. */
export const COMMAND_NAMES: readonly CommandName[] = Object.keys(COMMANDS) as CommandName[];

/** The row of a command. */
export function commandRow(name: CommandName): CommandRow {
  return COMMANDS[name];
}

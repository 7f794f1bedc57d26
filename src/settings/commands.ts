import { type CursorTime, readCursorTime } from "./cursor_time.ts";
import type { Reader } from "./reading.ts";
import type { SettingName } from "./settings.ts";

/** Flags that only some commands take; they have no value and no variable. */
export const SWITCHES = {
  json: { flag: "--json", meaning: "print JSON" },
  force: { flag: "--force", meaning: "although a publisher of the feed may run" },
} as const satisfies Readonly<Record<string, { readonly flag: string; readonly meaning: string }>>;

/** Key of a flag in {@linkcode SWITCHES}. */
export type SwitchName = keyof typeof SWITCHES;

/** One row of the table of commands: all that arguments, `--help` and the README need to know. */
export interface CommandRow {
  /** What it does. */
  readonly meaning: string;
  /** A word of its own that it needs: what help calls it, and how it is read. */
  readonly argument?: { readonly name: string; readonly read: Reader<CursorTime> };
  /** Those that it takes. */
  readonly switches?: readonly SwitchName[];
  /** The settings that it reads, all unless given. The others may be there, right or wrong. */
  readonly reads?: readonly SettingName[];
  /** It is about one feed: the tables or the feed's name must be given. */
  readonly ofFeed?: true;
}

/** The cursor is in CockroachDB, and whether the feed runs RabbitMQ knows. */
const CURSOR = {
  reads: [
    "tables",
    "feed",
    "database",
    "cursorDatabase",
    "addresses",
    "heartbeat",
    "lock",
    "tlsCa",
    "tlsCert",
    "tlsKey",
  ],
} as const;

/** THE table of commands, by the words that ask for them. */
export const COMMANDS = {
  run: { meaning: "Publish until stopped; this is done when no command is given" },
  check: {
    meaning: "See whether everything is right for `run`, and print what mends it; changes nothing",
    switches: ["json"],
  },
  "cursor list": {
    meaning: "Show the cursors of all feeds with their age, and which of them run",
    switches: ["json"],
    ...CURSOR,
  },
  "cursor show": { meaning: "Show the feed's cursor", switches: ["json"], ofFeed: true, ...CURSOR },
  "cursor set": {
    meaning: "Let the feed go on from there: what was committed before it is not sent",
    argument: { name: "TIME|HLC|now", read: readCursorTime },
    switches: ["force"],
    ofFeed: true,
    ...CURSOR,
  },
  "cursor delete": { meaning: "Let the feed start anew", switches: ["force"], ofFeed: true, ...CURSOR },
  "cursor adopt": {
    meaning: "Let the feed go on from the cursor of the original program",
    switches: ["force"],
    ofFeed: true,
    ...CURSOR,
  },
  health: { meaning: "Ask the publisher at PROMETHEUS_ADDR whether it is well", reads: ["http"] },
  "completion bash": { meaning: "Print what completes words in bash", reads: [] },
  "completion zsh": { meaning: "Print what completes words in zsh", reads: [] },
  "completion fish": { meaning: "Print what completes words in fish", reads: [] },
  man: { meaning: "Print the manual page, for man", reads: [] },
} as const satisfies Readonly<Record<string, CommandRow>>;

/** The words that ask for a command. */
export type CommandName = keyof typeof COMMANDS;

/** The commands in the order of help and README. */
export const COMMAND_NAMES: readonly CommandName[] = Object.keys(COMMANDS) as CommandName[];

/** The row of a command. */
export function commandRow(name: CommandName): CommandRow {
  return COMMANDS[name];
}

/** `cursor set TIME|HLC|now [--force]` */
export function commandUsage(name: CommandName): string {
  const { argument, switches = [] } = commandRow(name);
  const optional = switches.map((name) => `[${SWITCHES[name].flag}]`);
  return [name, ...(argument === undefined ? [] : [argument.name]), ...optional].join(" ");
}

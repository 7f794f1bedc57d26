import { Command as Parser, Option } from "commander";
import { COMMAND_NAMES, type CommandName, commandRow, SWITCHES, type SwitchName } from "./commands.ts";
import type { CursorTime } from "./cursor_time.ts";
import { quoted } from "./quoted.ts";
import { wordList } from "./reading.ts";
import { flagName, isSwitch, type Setting } from "./setting.ts";
import { type SettingName, SETTINGS } from "./settings.ts";

/** The arguments, taken apart; the texts of the flags are not read yet. */
export interface CommandLine {
  /** `run` unless another one is named; `undefined` when there is no such command. */
  readonly command: CommandName | undefined;
  /** The command's own word; given exactly when it needs one. */
  readonly argument: CursorTime | undefined;
  /** Those that are given. */
  readonly switches: ReadonlySet<SwitchName>;
  /** `--help` is given. */
  readonly help: boolean;
  /** `--version` is given. */
  readonly version: boolean;
  /** Texts of each flag that is given, in order, `undefined` for a missing one; a switch has its last `yes` or `no`. */
  readonly flags: ReadonlyMap<SettingName, readonly (string | undefined)[]>;
  /** Unknown flags, and arguments that nobody asked for. */
  readonly problems: readonly string[];
}

/** Takes the arguments apart; finds every mistake in them, and never throws. */
export function readCommandLine(argv: readonly string[]): CommandLine {
  const parser = new Parser().helpOption(false).exitOverride().configureOutput({ outputError: () => {} });
  const flags = new Map<SettingName, (string | undefined)[]>();
  const problems: string[] = [];
  let help = false;
  let version = false;
  // Values are optional for commander, so that a missing one is a problem beside the others and no exception.
  for (const [name, setting] of Object.entries(SETTINGS) as [SettingName, Setting][]) {
    const flag = flagName(setting);
    if (flag === undefined) continue;
    if (isSwitch(setting)) {
      on(parser, flag, () => flags.set(name, ["yes"]));
      on(parser, flag.replace("--", "--no-"), () => flags.set(name, ["no"]));
    } else {
      on(parser, `${flag} [value]`, (text) => {
        flags.set(name, [...flags.get(name) ?? [], typeof text === "string" ? text : undefined]);
      });
    }
  }
  const switches = new Set<SwitchName>();
  for (const [name, { flag }] of Object.entries(SWITCHES)) {
    on(parser, flag, () => switches.add(name as SwitchName));
  }
  on(parser, "-h, --help", () => help = true);
  on(parser, "-V, --version", () => version = true);

  const { operands, unknown } = parser.parseOptions([...argv]);
  const asked = commandOf(operands, switches);
  problems.push(...asked.problems);
  // Behind an unknown flag commander leaves what may be its value: nothing is said about that.
  for (const flag of unknown.filter((text) => /^-./.test(text) && text !== "--")) {
    problems.push(unknownFlag(parser, flag.split("=")[0] ?? flag));
  }
  const { command, argument } = asked;
  return { command, argument, switches, help, version, flags, problems };
}

/** The command that the operands name, and what is wrong with them. */
function commandOf(operands: readonly string[], switches: ReadonlySet<SwitchName>) {
  const [first, second] = operands;
  const named = COMMAND_NAMES.find((name) => name === `${first} ${second}`) ??
    COMMAND_NAMES.find((name) => name === first);
  if (named === undefined && first !== undefined) {
    const family = COMMAND_NAMES.filter((name) => name.startsWith(`${first} `));
    const expected = wordList(family.length > 0 ? family : COMMAND_NAMES);
    return {
      command: undefined,
      argument: undefined,
      problems: [`argument ${quoted(first)}: expected ${expected}`],
    };
  }
  const command = named ?? "run";
  const row = commandRow(command);
  const rest = operands.slice(named?.split(" ").length ?? 0);
  const word = row.argument === undefined ? undefined : rest.shift() ?? "";
  const reading = word === undefined ? undefined : row.argument?.read(word);
  const wrong = reading !== undefined && "problem" in reading;
  return {
    command,
    argument: reading === undefined || wrong ? undefined : reading.value,
    problems: [
      ...(wrong ? [`${command} ${quoted(word ?? "")}: ${reading.problem}`] : []),
      ...rest.map((word) => `argument ${quoted(word)}: expected only flags, such as --table NAME`),
      ...[...switches].filter((name) => row.switches?.includes(name) !== true)
        .map((name) => `${SWITCHES[name].flag}: means nothing to the command ${quoted(command)}`),
    ],
  };
}

function on(parser: Parser, flags: string, listener: (text: unknown) => void): void {
  const option = new Option(flags);
  parser.addOption(option).on(`option:${option.name()}`, listener);
}

function unknownFlag(parser: Parser, flag: string): string {
  const variable = flag.replace(/^-+/, "").replaceAll("-", "_").toUpperCase();
  const setting = Object.values<Setting>(SETTINGS).find(({ env }) => env === variable);
  if (setting !== undefined) {
    const right = flagName(setting) ?? `the environment variable ${setting.env}`;
    return `unknown flag ${quoted(flag)}: use ${right}`;
  }
  const suggestion = suggest(parser, flag);
  return `unknown flag ${quoted(flag)}: ${
    suggestion === undefined ? "--help lists them all" : `did you mean ${suggestion}?`
  }`;
}

/** Commander knows the closest flag, but says it only in its own error. */
function suggest(parser: Parser, flag: string): string | undefined {
  try {
    parser.parse([flag], { from: "user" });
    return undefined;
  } catch (error) {
    return /Did you mean (?:one of )?(--[a-z-]+)/.exec(String(error))?.[1];
  }
}

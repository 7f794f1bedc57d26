import { Command as Parser, Option } from "commander";
import { COMMAND_NAMES, type CommandName } from "./commands.ts";
import { quoted } from "./quoted.ts";
import { flagName, isSwitch, type Setting } from "./setting.ts";
import { type SettingName, SETTINGS } from "./settings.ts";

/** The arguments, taken apart; the texts of the flags are not read yet. */
export interface CommandLine {
  /** `run` unless another one is named. */
  readonly command: CommandName;
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
  on(parser, "-h, --help", () => help = true);
  on(parser, "-V, --version", () => version = true);

  const { operands, unknown } = parser.parseOptions([...argv]);
  const command = COMMAND_NAMES.find((name) => name === operands[0]);
  for (const [index, operand] of operands.entries()) {
    if (index === 0 && command !== undefined) continue;
    const expected = index === 0 ? `${COMMAND_NAMES.join(", ")} or flags` : "only flags";
    problems.push(`argument ${quoted(operand)}: expected ${expected}, such as --table NAME`);
  }
  // Behind an unknown flag commander leaves what may be its value: nothing is said about that.
  for (const flag of unknown.filter((text) => /^-./.test(text) && text !== "--")) {
    problems.push(unknownFlag(parser, flag.split("=")[0] ?? flag));
  }
  return { command: command ?? "run", help, version, flags, problems };
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

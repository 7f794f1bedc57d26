import { COMMAND_NAMES, commandRow, commandUsage, SWITCHES } from "./commands.ts";
import { EXAMPLES, EXIT_CODES, PURPOSE, SECRETS } from "./help.ts";
import { defaultText, type Setting } from "./setting.ts";
import { SETTINGS } from "./settings.ts";
import { PROGRAM, VERSION } from "./version.ts";

/** The manual page (section 1), in the macros that groff and mandoc know. */
export function manPage(): string {
  return [
    `.TH ${PROGRAM.toUpperCase()} 1 "" ${argument(`${PROGRAM} ${VERSION}`)} "User Commands"`,
    ".SH NAME",
    `${text(PROGRAM)} \\- ${text("CockroachDB changefeed to RabbitMQ")}`,
    ".SH SYNOPSIS",
    `.B ${text(PROGRAM)}`,
    text("[COMMAND] --table NAME [settings]"),
    ".SH DESCRIPTION",
    text(PURPOSE),
    ".SH COMMANDS",
    ...COMMAND_NAMES.flatMap((name) => item(commandUsage(name), commandRow(name).meaning)),
    ...Object.values(SWITCHES).flatMap(({ flag, meaning }) => item(flag, meaning)),
    ".SH SETTINGS",
    "Flags win over the environment; lists are repeated flags or have commas.",
    text(SECRETS),
    ...Object.values<Setting>(SETTINGS).flatMap(settingLines),
    ".SH OPTIONS",
    ...item("-h, --help", "Show all commands and settings."),
    ...item("-V, --version", "Show the version."),
    ".SH EXIT STATUS",
    ...EXIT_CODES.flatMap((meaning, code) => item(String(code), meaning)),
    ".SH EXAMPLES",
    ".nf",
    ...EXAMPLES.split("\n").map(text),
    ".fi",
  ].join("\n");
}

function settingLines(setting: Setting): string[] {
  const { heading, flag, env, meaning } = setting;
  const names = flag === undefined ? env : `${flag}, ${env}`;
  return [
    ...heading === undefined ? [] : [`.SS ${argument(heading)}`],
    ...item(names, `${meaning}.`),
    ".br",
    text(`Default: ${defaultText(setting)}.`),
  ];
}

function item(title: string, meaning: string): string[] {
  return [".TP", `.B ${text(title)}`, text(meaning)];
}

const SPECIAL: Readonly<Record<string, string>> = { "\\": "\\e", "-": "\\-", "'": "\\(aq" };

/** A line of text as it is: a backslash, a hyphen, a quote and a full stop in front would mean something to roff. */
function text(line: string): string {
  return line
    .replace(/[-'\\]/g, (character) => SPECIAL[character] ?? character)
    .replace(
      /[^\n -~]/g,
      (character) => `\\[u${character.charCodeAt(0).toString(16).padStart(4, "0").toUpperCase()}]`,
    )
    .replace(/^\./, "\\&.");
}

/** A text as one argument of a macro. */
function argument(line: string): string {
  return `"${text(line).replaceAll('"', "\\(dq")}"`;
}

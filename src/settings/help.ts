import { COMMAND_NAMES, commandRow, commandUsage, SWITCHES } from "./commands.ts";
import { defaultText, type Setting } from "./setting.ts";
import { SETTINGS } from "./settings.ts";

/** Columns of the help: names of the flag, names of the variable, default. */
const FLAG_WIDTH = 29;
const ENV_WIDTH = 29;

/** What the program does, in a sentence. */
export const PURPOSE =
  "Publishes the changes of CockroachDB tables to RabbitMQ, at least once and in order per key.";

/** Two ways to run it. */
export const EXAMPLES = `  DATABASE_URL=postgresql://root@localhost:26257/shop AMQP_ADDR=amqp://localhost \\
    AMQP_QUEUE=changes crdb-changefeed-publisher --table orders
  crdb-changefeed-publisher --table shop.public.orders,shop.public.items --exchange changes \\
    --routing-key '{table}.{op}' --diff --initial-scan yes`;

/** What each exit code means, from 0 on. */
export const EXIT_CODES: readonly string[] = [
  "done, or stopped as asked (SIGTERM, SIGINT)",
  "not done, or stopped for good: the reason and what to do about it are printed",
  "bad settings: all of them are listed",
];

/** How secrets may come from files. */
export const SECRETS = `DATABASE_URL_FILE and so on name files for what is secret:
${Object.values<Setting>(SETTINGS).flatMap(({ secret, env }) => secret ? env : []).join(", ")}.`;

const INTRODUCTION = `${PURPOSE}

Usage: crdb-changefeed-publisher [COMMAND] --table NAME [settings]`;

const ABOUT_SETTINGS = `
Settings are shown as flag, environment variable, default. Flags win over the environment; lists
are repeated flags or have commas. ${SECRETS}`;

const EPILOGUE = `
-h, --help shows this, -V, --version the version.

Examples:
${EXAMPLES}

Exit codes:
${EXIT_CODES.map((meaning, code) => `  ${code}  ${meaning}`).join("\n")}`;

/** The text of `--help`, at most 100 columns wide. */
export function helpText(): string {
  const lines = Object.values<Setting>(SETTINGS).flatMap((setting) => {
    const { heading, flag, env, meaning } = setting;
    const names = flag === undefined
      ? env.padEnd(FLAG_WIDTH + ENV_WIDTH)
      : flag.padEnd(FLAG_WIDTH) + env.padEnd(ENV_WIDTH);
    const head = heading === undefined ? [] : ["", `${heading}:`];
    return [...head, `  ${names}${defaultText(setting)}`, `      ${meaning}`];
  });
  const commands = COMMAND_NAMES.flatMap((
    name,
  ) => [`  ${commandUsage(name)}`, `      ${commandRow(name).meaning}`]);
  const switches = Object.values(SWITCHES).map(({ flag, meaning }) =>
    `  ${flag.padEnd(FLAG_WIDTH)}${meaning}`
  );
  return [INTRODUCTION, "", "Commands:", ...commands, ...switches, ABOUT_SETTINGS, ...lines, EPILOGUE].join(
    "\n",
  );
}

/** The commands as a table of the README. */
export function commandsMarkdown(): string {
  const rows = COMMAND_NAMES.map((name) =>
    `| \`${commandUsage(name).replaceAll("|", "\\|")}\` | ${commandRow(name).meaning} |`
  );
  return ["| command | what it does |", "|---|---|", ...rows].join("\n");
}

/** The settings as tables of the README, one a heading. */
export function settingsMarkdown(): string {
  const lines = Object.values<Setting>(SETTINGS).flatMap((setting) => {
    const { heading, flag, env, meaning, secret } = setting;
    const head = heading === undefined ? [] : [
      "",
      `**${heading}**`,
      "",
      "| flag | environment | default | meaning |",
      "|---|---|---|---|",
    ];
    const variables = secret ? `\`${env}\`, \`${env}_FILE\`` : `\`${env}\``;
    const cells = [flag === undefined ? "" : `\`${flag}\``, variables, defaultText(setting), meaning];
    return [...head, `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`];
  });
  return lines.slice(1).join("\n");
}

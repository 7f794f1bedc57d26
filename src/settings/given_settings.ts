import type { CommandRow } from "./commands.ts";
import { splitList } from "./reading.ts";
import { quoted } from "./quoted.ts";
import { flagName, type Setting } from "./setting.ts";
import { type SettingName, SETTINGS, type Values } from "./settings.ts";

/** Where settings come from; flags win over the environment. */
export interface Sources {
  /** Texts of each flag that is given; `undefined` where its value is missing. */
  readonly flags: ReadonlyMap<SettingName, readonly (string | undefined)[]>;
  /** An empty variable counts as not given. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads a file as text; throws when it cannot. */
  readonly readFile: (path: string) => string;
}

/** The settings, each read by itself. */
export interface GivenSettings {
  /** Values of those that are right. */
  readonly values: Partial<Values>;
  /** Those that are wrong or missing. */
  readonly wrong: ReadonlySet<SettingName>;
  /** What is wrong with them. */
  readonly problems: readonly string[];
}

/** The texts of one setting, and what to call the place they come from. */
interface Given {
  readonly source: string;
  readonly texts: readonly string[];
}

/** A whole URL in the wrong setting: as the name of a table or a queue it would be shown. */
const CREDENTIALS = /:\/\/[^/?\s]*:.*@/s;

/**
 * Reads settings; goes on after a mistake, so that all of them are found.
 *
 * @param which those to read
 */
export function readSettings(
  sources: Sources,
  { reads = Object.keys(SETTINGS) as SettingName[] }: CommandRow,
): GivenSettings {
  const values: Partial<Record<SettingName, unknown>> = {};
  const wrong = new Set<SettingName>();
  const problems: string[] = [];
  for (const name of reads) {
    const setting: Setting = SETTINGS[name];
    const given = find(name, setting, sources);
    const found = typeof given === "string" ? [given] : read(setting, given, (value) => values[name] = value);
    if (found.length > 0) wrong.add(name);
    problems.push(...found);
  }
  return { values: values as Partial<Values>, wrong, problems };
}

/** Reads a file that a setting names, and says why it cannot be read, without its content. */
export function readNamedFile(
  path: string,
  readFile: (path: string) => string,
): { readonly text: string } | { readonly problem: string } {
  try {
    return { text: readFile(path) };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "not a text file";
    return { problem: `cannot be read (${code})` };
  }
}

function find(
  name: SettingName,
  setting: Setting,
  { flags, env, readFile }: Sources,
): Given | string {
  const texts = flags.get(name);
  if (texts !== undefined) return fromFlag(setting, texts);
  const text = env[setting.env] || undefined;
  const path = setting.secret ? env[fileVariable(setting)] || undefined : undefined;
  if (path !== undefined) {
    const source = `${fileVariable(setting)} ${quoted(path)}`;
    if (text !== undefined) return `${source}: ${setting.env} is given too; keep one of them`;
    const file = readNamedFile(path, readFile);
    return "problem" in file ? `${source}: ${file.problem}` : { source, texts: [file.text.trim()] };
  }
  if (text !== undefined) return { source: setting.env, texts: [text] };
  if (setting.required) return `${settingNames(setting)}: required`;
  return { source: setting.env, texts: setting.default === undefined ? [] : [setting.default] };
}

function fromFlag(setting: Setting, given: readonly (string | undefined)[]): Given | string {
  const source = flagName(setting) ?? setting.env;
  const texts = given.filter((text) => text !== undefined);
  if (texts.length < given.length) return `${source}: expected a value`;
  return texts.length > 1 && !setting.many ? `${source}: given more than once` : { source, texts };
}

/** Passes on the value and returns what is wrong. */
function read(setting: Setting, { source, texts }: Given, accept: (value: unknown) => void): string[] {
  const problems: string[] = [];
  const values: unknown[] = [];
  // A list of nothing but commas is read as an empty text, for its reader to say what is expected.
  const items = setting.many ? texts.flatMap((text) => splitOr(text)) : texts;
  for (const item of items) {
    const misplaced = !setting.secret && CREDENTIALS.test(item);
    const reading = misplaced ? { problem: "looks like a URL with a password" } : setting.read(item);
    if ("value" in reading) values.push(reading.value);
    else problems.push(`${source}${setting.secret ? "" : ` ${quoted(item)}`}: ${reading.problem}`);
  }
  if (problems.length === 0) accept(setting.many ? values : values[0]);
  return problems;
}

function splitOr(text: string): string[] {
  const items = splitList(text);
  return items.length > 0 ? items : [""];
}

function fileVariable(setting: Setting): string {
  return `${setting.env}_FILE`;
}

/** `--table or CHANGEFEED_TABLE`, `DATABASE_URL or DATABASE_URL_FILE`. */
function settingNames(setting: Setting): string {
  return [flagName(setting), setting.env, ...(setting.secret ? [fileVariable(setting)] : [])]
    .filter((name) => name !== undefined)
    .join(" or ");
}

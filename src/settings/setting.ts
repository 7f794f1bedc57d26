import type { Reader } from "./reading.ts";

/** One row of the table of settings: all that flags, environment, `--help` and the README need to know. */
export interface Setting {
  /** Starts a group of settings in help and README. */
  readonly heading?: string;
  /** `--feed NAME`; a switch has no value (`--diff`) and a `--no-diff` beside it. Some have only their variable. */
  readonly flag?: string;
  /** Environment variable. A secret can also come from the file that NAME_FILE names. */
  readonly env: string;
  /** What the setting is for, and what it may be. */
  readonly meaning: string;
  /** Text that is read when none is given. */
  readonly default?: string;
  /** What help shows in place of a default. */
  readonly otherwise?: string;
  /** It must be given. */
  readonly required?: true;
  /** Its text is never shown. */
  readonly secret?: true;
  /** It may be given more than once, or hold several values separated by commas. */
  readonly many?: true;
  /** Reads one value. */
  readonly read: Reader<unknown>;
}

/** The value of a setting, by what its row says. */
export type ValueOf<Row extends Setting> = Row extends { readonly read: Reader<infer Value> }
  ? Row extends { readonly many: true } ? readonly Value[]
  : Row extends { readonly required: true } | { readonly default: string } ? Value
  : Value | undefined
  : never;

/** `--feed` of `--feed NAME`. */
export function flagName(setting: Setting): string | undefined {
  return setting.flag?.split(" ")[0];
}

/** True for a flag without a value. */
export function isSwitch(setting: Setting): boolean {
  return setting.flag !== undefined && !setting.flag.includes(" ");
}

/** What help and README show as the default. */
export function defaultText(setting: Setting): string {
  return setting.required ? "required" : setting.default ?? setting.otherwise ?? "none";
}

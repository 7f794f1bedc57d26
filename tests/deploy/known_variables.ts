import type { Setting } from "../../src/settings/setting.ts";
import { SETTINGS } from "../../src/settings/settings.ts";

/** Those of the variables that no setting reads. */
export function unknownVariables(names: readonly string[]): string[] {
  const known = new Set(
    Object.values<Setting>(SETTINGS).flatMap(({ env, secret }) => secret ? [env, `${env}_FILE`] : [env]),
  );
  return names.filter((name) => !known.has(name));
}

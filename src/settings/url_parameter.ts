import { quoted } from "./quoted.ts";

/**
 * What becomes of a parameter behind `?`: this program takes it; or it means nothing here; or its value is refused unless it
 * `asks` for what is done anyway; or it is refused by name. The text says what to do instead.
 */
export type ParameterRule =
  | "taken"
  | "unused"
  | { readonly asks?: RegExp; readonly instead: string };

/** The parameters that a kind of URL has, by name, and what others call them. */
export interface ParameterRules {
  /** All that are known. */
  readonly known: Readonly<Record<string, ParameterRule>>;
  /** Names that people give them, in lower case and without signs. */
  readonly aliases: Readonly<Record<string, string>>;
}

/** What is about TLS is never passed over: somebody relies on it. */
const ABOUT_TLS = /ssl|tls|cert|verify/i;

/**
 * Names of parameters that mean nothing here, which are worth a warning; or what is wrong, as a text that holds no value of
 * a parameter, which may be a secret.
 */
export function unusedParameters(
  parameters: URLSearchParams,
  { known, aliases }: ParameterRules,
): readonly string[] | string {
  const unused: string[] = [], names = [...parameters.keys()];
  for (const [name, value] of parameters) {
    if (names.indexOf(name) !== names.lastIndexOf(name)) return `the parameter ${quoted(name)} stands twice`;
    const rule = Object.hasOwn(known, name) ? known[name]! : undefined;
    if (rule === undefined) {
      const meant = nearest(name, Object.keys(known), aliases);
      if (meant !== undefined) {
        return `the parameter ${quoted(name)} is not known; did you mean ${meant}?`;
      }
      if (ABOUT_TLS.test(name)) return `the parameter ${quoted(name)} is not known`;
      unused.push(name);
    } else if (rule === "unused") unused.push(name);
    else if (rule !== "taken" && !(rule.asks?.test(value) ?? false)) {
      return `the parameter ${quoted(name)}: ${rule.instead}`;
    }
  }
  return unused;
}

/** The known name that this one is a misspelling of. */
function nearest(
  name: string,
  known: readonly string[],
  aliases: ParameterRules["aliases"],
): string | undefined {
  const plain = plainName(name);
  if (Object.hasOwn(aliases, plain)) return aliases[plain];
  const most = plain.length < 6 ? 1 : 2;
  const distances = known.map((other) => ({ other, distance: editDistance(plain, plainName(other)) }));
  const { other, distance } = distances.reduce((least, each) =>
    each.distance < least.distance ? each : least
  );
  return distance <= most ? other : undefined;
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z]/g, "");
}

/** Letters to insert, to leave out or to change (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let line = 1; line <= from.length; line++) {
    const next = [line];
    for (let column = 1; column <= to.length; column++) {
      const change = row[column - 1]! + (from[line - 1] === to[column - 1] ? 0 : 1);
      next.push(Math.min(change, row[column]! + 1, next[column - 1]! + 1));
    }
    row = next;
  }
  return row.at(-1)!;
}

import assert from "node:assert/strict";
import { type Config, parseArguments, type Parsed } from "../../src/config.ts";

/** A password that no output may hold. */
export const SECRET = "s3cr3t";

/** The environment of a feed that needs nothing else but a table. */
export const ENVIRONMENT: Readonly<Record<string, string>> = {
  DATABASE_URL: `postgresql://me:${SECRET}@crdb:26257/shop`,
  AMQP_ADDR: `amqp://me:${SECRET}@mq:5672/v`,
  AMQP_QUEUE: "changes",
};

/** Files that settings name; any other cannot be read. */
export type Files = Readonly<Record<string, string>>;

/** Parses arguments given as words in one text; those with blanks in them as a list. */
export function parse(
  argv: string | readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
  files: Files = {},
): Parsed {
  const words = typeof argv === "string" ? argv.split(" ").filter((word) => word !== "") : argv;
  return parseArguments(words, { ...ENVIRONMENT, ...env }, (path) => {
    const text = Object.hasOwn(files, path) ? files[path] : undefined;
    if (text === undefined) {
      throw Object.assign(new Error(`ENOENT: no such file "${path}"`), { code: "ENOENT" });
    }
    return text;
  });
}

/** The config of `--table foo` and these; fails with the problems when there are some. */
export function configOf(...given: Parameters<typeof parse>): Config {
  const [argv, env, files] = given;
  const words = typeof argv === "string" ? argv.split(" ").filter((word) => word !== "") : argv;
  const parsed = parse(["--table", "foo", ...words], env, files);
  if (parsed.kind !== "run") assert.fail(JSON.stringify(parsed));
  return parsed.config;
}

/** The problems of `--table foo` and these; fails when there are none. */
export function problemsOf(...given: Parameters<typeof parse>): readonly string[] {
  const [argv, env, files] = given;
  const words = typeof argv === "string" ? argv.split(" ").filter((word) => word !== "") : argv;
  const parsed = parse(["--table", "foo", ...words], env, files);
  if (parsed.kind !== "problems") assert.fail(JSON.stringify(parsed));
  return parsed.problems;
}

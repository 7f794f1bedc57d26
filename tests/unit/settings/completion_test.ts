import assert from "node:assert/strict";
import { bashCompletion } from "../../../src/settings/bash_completion.ts";
import { COMMAND_NAMES } from "../../../src/settings/commands.ts";
import { completedFlags, firstWords, secondWords } from "../../../src/settings/completion.ts";
import { fishCompletion } from "../../../src/settings/fish_completion.ts";
import { flagName, type Setting } from "../../../src/settings/setting.ts";
import { SETTINGS } from "../../../src/settings/settings.ts";
import { zshCompletion } from "../../../src/settings/zsh_completion.ts";
import { parse } from "../../support/settings.ts";

const flags = completedFlags();

Deno.test("completedFlags() has the flag of every setting once, and none that the program does not know", () => {
  const names = flags.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  const ofSettings = Object.values<Setting>(SETTINGS).flatMap((setting) => flagName(setting) ?? []);
  assert.deepEqual(ofSettings.filter((name) => !names.includes(name)), []);
  for (const { name, value } of flags) {
    const parsed = parse(`${name}${value === undefined ? "" : "=x"}`);
    assert.ok(parsed.kind !== "problems" || !parsed.problems.join("\n").includes("unknown flag"), name);
  }
});

Deno.test("completedFlags() knows the words of a setting that has only some, and that the others are wrong", () => {
  const withChoices = flags.filter(({ value }) => (value?.choices.length ?? 0) > 0);
  assert.ok(withChoices.length > 8);
  for (const { name, value } of withChoices) {
    const problemOf = (word: string) => {
      const parsed = parse(`${name}=${word}`);
      return parsed.kind === "problems" && parsed.problems.some((text) => text.startsWith(`${name} "`));
    };
    assert.deepEqual(value?.choices.filter(problemOf), [], name);
    assert.ok(problemOf("padlock"), name);
  }
});

Deno.test("completedFlags() has files for paths, and commands for their switches", () => {
  const find = (name: string) => flags.find((flag) => flag.name === name);
  assert.equal(find("--amqp-tls-ca")?.value?.isPath, true);
  assert.equal(find("--feed")?.value?.isPath, false);
  assert.deepEqual(find("--json")?.commands?.slice(-2), ["cursor list", "cursor show"]);
  assert.equal(find("--lock")?.commands, undefined);
});

Deno.test("firstWords() and secondWords() make every command", () => {
  const made = firstWords().flatMap(({ word }) =>
    secondWords().get(word)?.map((second) => `${word} ${second.word}`) ?? [word]
  );
  assert.deepEqual(made.sort(), [...COMMAND_NAMES].sort());
  assert.ok(firstWords().every(({ meaning }) => meaning !== ""));
});

Deno.test("parseArguments() gives the completion that is asked for, whatever the settings are", () => {
  const wrongSettings = {
    PROMETHEUS_ADDR: "nowhere",
    AMQP_ADDR: "",
    DATABASE_URL: "x",
    AMQP_QUEUE_TYPE: "x",
  };
  assert.deepEqual(parse("completion bash", wrongSettings), { kind: "text", text: bashCompletion() });
  assert.deepEqual(parse("completion zsh", wrongSettings), { kind: "text", text: zshCompletion() });
  assert.deepEqual(parse("completion fish --lock=x", wrongSettings), {
    kind: "text",
    text: fishCompletion(),
  });
  const wrong = parse("completion tcsh", {});
  assert.match(wrong.kind === "problems" ? wrong.problems.join() : "", /completion bash, completion zsh or/);
});

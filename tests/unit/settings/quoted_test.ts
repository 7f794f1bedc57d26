import assert from "node:assert/strict";
import fc from "fast-check";
import { quoted, shellWord, withoutCredentials } from "../../../src/settings/quoted.ts";
import { anyText } from "../../support/arbitrary.ts";

Deno.test("quoted() shows a value as it is, in quotes", () => {
  assert.equal(quoted("5x"), '"5x"');
  assert.equal(quoted('"A"\n\u001b[1m'), '"\\"A\\"\\n\\u001b[1m"');
  assert.equal(quoted("x".repeat(121)), `"${"x".repeat(120)}…"`);
});

Deno.test("quoted() shows only the scheme of a URL, whatever a password holds, and with parts forgotten", () => {
  for (const url of ["amqp://me:a b@c/d\n@h/v", "amqp://me:secret", "amqp://h:secret/"]) {
    assert.equal(quoted(url), '"amqp://…"');
  }
  fc.assert(fc.property(anyText, (password) => {
    assert.equal(quoted(`amqp://me:${password}@h/v`), '"amqp://…"');
  }));
});

Deno.test("withoutCredentials() hides the credentials of every URL in a text, and nothing else", () => {
  assert.equal(
    withoutCredentials('cannot reach "amqp://a:b@h1" or amqp://c@h2?password=x&y=1; ask me@example'),
    'cannot reach "amqp://…@h1" or amqp://…@h2?password=…&y=1; ask me@example',
  );
});

Deno.test("shellWord() quotes what a shell would read otherwise", () => {
  const words = ["a.b:c/d=e,f@g%h+i-j", "a b", "it's", "$HOME", "", "a*"].map(shellWord);
  assert.deepEqual(words, ["a.b:c/d=e,f@g%h+i-j", "'a b'", "'it'\\''s'", "'$HOME'", "''", "'a*'"]);
});

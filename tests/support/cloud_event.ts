import { Ajv } from "ajv";
import formats from "ajv-formats";
import assert from "node:assert/strict";
// What the specification publishes (Apache License 2.0), as the npm package cloudevents 10.0.0 has it.
import schema from "./cloudevents.json" with { type: "json" };

const ajv = new Ajv({ allErrors: true, allowUnionTypes: true });
formats.default(ajv);
const validate = ajv.compile(schema);

/** Reads a structured CloudEvent and holds it against the JSON schema and what the specification says beside it. */
export function readCloudEvent(text: string): Record<string, unknown> {
  const event = JSON.parse(text);
  assert.ok(validate(event), `${ajv.errorsText(validate.errors)}\n${text}`);
  assert.equal(event["specversion"], "1.0");
  for (const name of Object.keys(event)) assert.match(name, /^[a-z0-9]+$/, "name of an attribute");
  return event;
}

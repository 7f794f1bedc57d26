import assert from "node:assert/strict";
import { Simulator } from "../simulator/simulator.ts";
import { readRecording, recordingNames } from "./recording.ts";
import { Replay } from "./replay.ts";
import { SCENARIOS } from "./scenarios.ts";

Deno.test("every recording has a scenario", () => {
  assert.deepEqual(Object.keys(SCENARIOS).sort(), recordingNames());
});

Deno.test("the simulator answers as CockroachDB did", async (t) => {
  const simulator = await Simulator.start();
  try {
    for (const [name, scenario] of Object.entries(SCENARIOS)) {
      await t.step(name, async () => {
        const replay = new Replay(simulator, scenario);
        await replay.prepare();
        try {
          for (const conversation of readRecording(name)) await replay.play(conversation);
        } finally {
          await replay.cleanUp();
        }
      });
    }
  } finally {
    await simulator.stop();
  }
});

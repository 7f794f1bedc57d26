import assert from "node:assert/strict";
import { LiveUpdates } from "../../../src/http/live_updates.ts";

interface Bench {
  readonly live: LiveUpdates;
  /** What the page is made of. */
  parts: string[];
  /** How often that was asked for. */
  looks: number;
  readonly failures: unknown[];
}

function bench(viewers = 2): Bench {
  const state: Bench = {
    parts: ["<a>1</a>", "<b>1</b>"],
    looks: 0,
    failures: [],
    live: new LiveUpdates({
      parts: () => {
        state.looks++;
        return state.parts;
      },
      viewers,
      interval: 1,
      failed: (thrown) => state.failures.push(thrown),
    }),
  };
  return state;
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

function view({ live }: Bench): Reader {
  const stream = live.open();
  assert.ok(stream);
  return stream.getReader();
}

async function next(reader: Reader): Promise<string | undefined> {
  const { value } = await reader.read();
  return value && new TextDecoder().decode(value);
}

Deno.test("LiveUpdates sends every part first, and then what has changed", async () => {
  const state = bench();
  const reader = view(state);
  assert.equal(await next(reader), "retry: 2000\ndata: <a>1</a><b>1</b>\n\n");
  state.parts = ["<a>1</a>", "<b>2</b>"];
  assert.equal(await next(reader), "data: <b>2</b>\n\n");
  state.live.close();
  assert.equal(await next(reader), undefined);
});

Deno.test("LiveUpdates keeps lines of a part in one event", async () => {
  const state = bench();
  state.parts = ["<pre>1\n2\r\n3\r4</pre>"];
  const reader = view(state);
  assert.equal(await next(reader), "retry: 2000\ndata: <pre>1\ndata: 2\ndata: 3\ndata: 4</pre>\n\n");
  state.live.close();
});

Deno.test("LiveUpdates keeps nothing for who does not read but what is new when he does", async () => {
  const state = bench();
  const [slow, quick] = [view(state), view(state)];
  await next(quick);
  for (const text of ["2", "3", "4"]) {
    state.parts = ["<a>1</a>", `<b>${text}</b>`];
    assert.equal(await next(quick), `data: <b>${text}</b>\n\n`);
  }
  assert.equal(await next(slow), "retry: 2000\ndata: <a>1</a><b>1</b>\n\n");
  assert.equal(await next(slow), "data: <b>4</b>\n\n");
  state.live.close();
});

Deno.test("LiveUpdates looks only while somebody does, and has room for so many", async () => {
  const state = bench(1);
  const reader = view(state);
  assert.equal(state.live.open(), undefined);
  await next(reader);
  await reader.cancel();
  const { looks } = state;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(state.looks, looks);
  await view(state).cancel();
  state.live.close();
  assert.equal(state.live.open(), undefined);
});

Deno.test("LiveUpdates goes on after a look that failed", async () => {
  const state = bench();
  const { parts } = state, broken = new Error("broken");
  Object.defineProperty(state, "parts", {
    get: () => {
      if (state.failures.length === 0) throw broken;
      return parts;
    },
  });
  const reader = view(state);
  assert.equal(await next(reader), "retry: 2000\ndata: <a>1</a><b>1</b>\n\n");
  assert.deepEqual(state.failures, [broken]);
  state.live.close();
});

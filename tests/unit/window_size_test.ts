import assert from "node:assert/strict";
import fc from "fast-check";
import { WindowSize } from "../../src/window_size.ts";

/** What a broker makes of a window: messages a millisecond. */
type Broker = (messages: number) => number;

/** Takes `capacity` messages a millisecond; a confirm is `roundTrip` milliseconds away. */
function broker(capacity: number, roundTrip: number): Broker {
  return (messages) => Math.min(capacity, messages / roundTrip);
}

/** A source that always has more, in steps of a window; returns the time it took. */
function publish(size: WindowSize, rate: Broker, count: number, from = 0): number {
  let now = from;
  for (let left = count; left > 0;) {
    const messages = size.messages;
    now += messages / rate(messages);
    left -= messages;
    size.waited();
    size.confirmed(messages, now);
  }
  return now;
}

Deno.test("WindowSize doubles with every full window confirmed until it can be measured", () => {
  const size = new WindowSize(1000, 8);
  const seen = [size.messages];
  for (let now = 1; now <= 3; now++) {
    size.confirmed(size.messages, now);
    seen.push(size.messages);
  }
  assert.deepEqual(seen, [8, 16, 32, 64]);
});

Deno.test("WindowSize shrinks to what the broker needs: the rest would only wait", () => {
  const size = new WindowSize(4000, 4000);
  publish(size, broker(10, 20), 2_000_000); // 200 in flight keep it busy
  assert.ok(size.messages >= 200 && size.messages <= 500, `${size.messages}`);
});

Deno.test("WindowSize stays at its bound where every message in flight brings throughput", () => {
  const size = new WindowSize(1000, 1000);
  const took = publish(size, broker(100, 20), 2_000_000);
  assert.equal(size.messages, 1000);
  assert.ok(2_000_000 / took > 0.97 * 50, "the trials cost less than 3% of the throughput");
});

Deno.test("WindowSize grows again when the broker gets faster but farther away", () => {
  const size = new WindowSize(4000, 4000);
  const later = publish(size, broker(10, 20), 2_000_000);
  assert.ok(size.messages <= 500);
  publish(size, broker(100, 20), 10_000_000, later);
  assert.ok(size.messages >= 2000, `${size.messages}`);
});

Deno.test("WindowSize tries a smaller window at once when confirms take longer without more throughput", () => {
  const size = new WindowSize(1000, 1000);
  const later = publish(size, broker(50, 20), 200_000);
  assert.equal(size.messages, 1000);
  publish(size, broker(5, 20), 12_000, later);
  assert.ok(size.messages < 1000, `${size.messages}`);
});

Deno.test("WindowSize learns nothing while the source is what the broker waits for", () => {
  const size = new WindowSize(1000, 1000);
  for (let now = 0; now < 100_000; now++) size.confirmed(10, now);
  assert.equal(size.messages, 1000);
});

Deno.test("WindowSize comes within a tenth of the best throughput of any broker, in bounds", () => {
  const anyBroker = fc.record({
    capacity: fc.double({ min: 0.5, max: 200, noNaN: true }),
    roundTrip: fc.double({ min: 0.2, max: 200, noNaN: true }),
    most: fc.integer({ min: 1, max: 20_000 }),
    initial: fc.integer({ min: 1, max: 20_000 }),
  });
  fc.assert(
    fc.property(anyBroker, ({ capacity, roundTrip, most, initial }) => {
      const size = new WindowSize(most, initial), rate = broker(capacity, roundTrip);
      const later = publish(size, rate, 300 * most + 1_000_000);
      assert.ok(size.messages >= 1 && size.messages <= most);
      // A trial takes 250 ms at least, so that a second with one in it says little.
      const count = Math.max(300 * most, Math.ceil(10_000 * rate(most)));
      const took = publish(size, rate, count, later) - later;
      assert.ok(count / took > 0.9 * rate(most), `${size.messages} of ${most}`);
    }),
    { numRuns: 50, examples: [[{ capacity: 114.124, roundTrip: 1.7788, most: 277, initial: 277 }]] },
  );
});

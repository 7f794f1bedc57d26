import assert from "node:assert/strict";
import { EventLoopLag, processUsage } from "../../../src/telemetry/process_metrics.ts";

Deno.test("processUsage() agrees with the system", () => {
  const start = processUsage(), from = performance.now();
  let end = start, seconds = 0;
  while (end.cpuSeconds - start.cpuSeconds < 0.05 && seconds < 10) { // longer where others have the processors
    end = processUsage();
    seconds = (performance.now() - from) / 1000;
  }
  const cpu = end.cpuSeconds - start.cpuSeconds;
  const most = seconds * navigator.hardwareConcurrency + 0.02;
  assert.ok(cpu >= 0.05 && cpu <= most, `${cpu} s of CPU in a busy loop of ${seconds} s`);
  assert.ok(
    end.heapBytes > 1e6 && end.heapBytes < end.residentBytes,
    `${end.heapBytes} of ${end.residentBytes}`,
  );
  const age = Date.now() / 1000 - end.startTime;
  assert.ok(age > 0 && age < 3600, `the process started ${age} s ago`);
});

Deno.test({
  name: "processUsage() shows the resident memory that Linux shows",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const status = await Deno.readTextFile("/proc/self/status");
    const system = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
    const { residentBytes } = processUsage();
    assert.ok(Math.abs(residentBytes - system) < system / 4, `${residentBytes}, but Linux says ${system}`);
  },
});

Deno.test("EventLoopLag.take() is how late the timer is, and starts anew", () => {
  let now = 0;
  const lag = new EventLoopLag(() => now);
  try {
    now = 90;
    assert.equal(lag.take(), 0);
    now = 350;
    assert.equal(lag.take(), 0.25);
  } finally {
    lag.close();
  }
});

Deno.test("EventLoopLag.take() shows a stall that is over", async () => {
  const lag = new EventLoopLag();
  try {
    const busyUntil = performance.now() + 150;
    while (performance.now() < busyUntil);
    await new Promise((resolve) => setTimeout(resolve));
    const longest = lag.take();
    assert.ok(longest >= 0.045, `${longest} s`);
    assert.ok(lag.take() < longest);
  } finally {
    lag.close();
  }
});

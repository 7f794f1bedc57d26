/**
 * Preloaded into an agent, makes its time run ten times as fast: limits of half a minute can be tested in seconds. The
 * time of day stays as it is.
 */
const FASTER = 10;

const now = performance.now.bind(performance);
const start = now();
performance.now = () => start + (now() - start) * FASTER;

for (const name of ["setTimeout", "setInterval"] as const) {
  const original = globalThis[name];
  const faster = (run: () => void, milliseconds = 0) => original(run, milliseconds / FASTER);
  Object.defineProperty(globalThis, name, { value: faster, writable: true, configurable: true });
}

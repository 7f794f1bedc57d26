import { parseArgs } from "node:util";
import { print } from "../support/terminal.ts";
import { serveControl } from "./control.ts";
import { Simulator } from "./simulator.ts";

/** The line that says that everything listens: a word and JSON with `url` and `control`. */
export const READY = "ready ";

if (import.meta.main) {
  const { values } = parseArgs({
    options: { port: { type: "string" }, version: { type: "string" }, control: { type: "string" } },
  });
  const simulator = await Simulator.start({
    port: Number(values.port ?? 0),
    ...(values.version === undefined ? {} : { version: values.version }),
  });
  serveControl(simulator, Number(values.control ?? 0), (port) => {
    print(READY + JSON.stringify({ url: simulator.url, control: `http://127.0.0.1:${port}` }));
  });
}

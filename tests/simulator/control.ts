import type { Hlc } from "../../src/hlc.ts";
import type { ControlActions } from "./control_messages.ts";
import type { Simulator } from "./simulator.ts";

type Handlers = {
  readonly [Action in keyof ControlActions]: (
    request: ControlActions[Action]["request"],
  ) => ControlActions[Action]["answer"] | Promise<ControlActions[Action]["answer"]>;
};

/** What the control does with a simulator, by the action's name. */
export function controlHandlers(simulator: Simulator): Handlers {
  const { cluster } = simulator;
  return {
    addNode: (options) => simulator.addNode(options),
    removeNode: async ({ port }) => {
      await simulator.removeNode(port);
      return null;
    },
    kill: async ({ port }) => {
      await simulator.node(port).kill();
      return null;
    },
    drain: async ({ port }) => {
      await simulator.node(port).drain();
      return null;
    },
    restart: ({ port }) => {
      simulator.node(port).restart();
      return null;
    },
    cancelFeeds: ({ application, node, what = "query" }) => {
      const running = [...cluster.sessions].filter((session) =>
        session.running !== undefined && /CHANGEFEED/i.test(session.running.sql) &&
        (application === undefined || session.application === application) &&
        (node === undefined || session.node === node)
      );
      for (const session of running) session.cancel(what);
      return { cancelled: running.length };
    },
    addFault: (fault) => ({ id: cluster.faults.add(fault) }),
    liftFault: ({ id }) => {
      cluster.faults.lift(id);
      return null;
    },
    listFaults: () => cluster.faults.list(),
    generate: (options) => ({ created: cluster.generate(options, cluster.clock.wall()).created }),
    collectGarbage: ({ table: name, database = "defaultdb", threshold }) => {
      const now = cluster.clock.now();
      const table = cluster.history.find({ database, schema: "public", name }, now);
      if (table === undefined) throw new Error(`there is no table "${database}.public.${name}"`);
      table.collected = threshold === undefined ? now : threshold as Hlc;
      return { threshold: table.collected };
    },
  };
}

/** Serves the control on the loopback address; `onListen` gets its port. */
export function serveControl(
  simulator: Simulator,
  port: number,
  onListen: (port: number) => void,
): Deno.HttpServer<Deno.NetAddr> {
  const handlers = controlHandlers(simulator);
  return Deno.serve({
    hostname: "127.0.0.1",
    port,
    onListen: (address) => onListen(address.port),
    onError: (error) => new Response(String(error instanceof Error ? error.message : error), { status: 400 }),
  }, async (request) => {
    const action = new URL(request.url).pathname.slice(1);
    if (!(action in handlers)) return new Response(`unknown action "${action}"`, { status: 404 });
    const handler = handlers[action as keyof Handlers] as (request: unknown) => unknown;
    return Response.json(await handler(await request.json()) ?? null);
  });
}

import manifest from "../../deno.json" with { type: "json" };

/** What this program is called, by CockroachDB and RabbitMQ too. */
export const PROGRAM = "crdb-changefeed-publisher";

/** Version of this program, as deno.json has it. */
export const VERSION: string = manifest.version;

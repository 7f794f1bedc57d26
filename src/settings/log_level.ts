/** Severities of log lines, the quietest last. */
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error"] as const;

/** Lines below this severity are not written. */
export type LogLevel = typeof LOG_LEVELS[number];

/** What the original's own log lines are called in RUST_LOG. */
const OWN_TARGET = "crdb_changefeed_publisher";

/**
 * The level in RUST_LOG's directives (`info,lapin=warn`): the bare one, or else that of the original program's own
 * lines (`crdb_changefeed_publisher=debug`). `off` leaves only errors. `undefined` when there is none, which the
 * original too took for its default.
 */
export function rustLogLevel(directives: string): LogLevel | undefined {
  let own: LogLevel | undefined;
  for (const directive of directives.split(",")) {
    const [target = "", text] = directive.trim().toLowerCase().split("=");
    const level = levelOf(text ?? target);
    if (text === undefined && level !== undefined) return level;
    if (target === OWN_TARGET) own = level;
  }
  return own;
}

function levelOf(text: string): LogLevel | undefined {
  return text === "off" ? "error" : LOG_LEVELS.find((level) => level === text);
}

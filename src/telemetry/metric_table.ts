/** How a metric behaves, in Prometheus's words. */
export type MetricType = "counter" | "gauge" | "histogram";

/** A label of a metric. */
export type MetricLabel = "feed" | "table" | "reason" | "action" | "state" | "version";

/** One row of the table of metrics. */
export interface MetricDefinition {
  /** The name in the exposition and in everybody's dashboards: never changes. */
  readonly name: string;
  /** Decides what queries make sense. */
  readonly type: MetricType;
  /** Labels that every sample carries. */
  readonly labels: readonly MetricLabel[];
  /** One sentence for `# HELP` and README. */
  readonly help: string;
}

/** Every metric of the program, in the order of README. */
export const METRICS = {
  messagesSent: {
    name: "rabbitmq_messages_sent",
    type: "counter",
    labels: [],
    help: "Messages confirmed by the broker; the original's counter, so without labels",
  },
  rowsReceived: {
    name: "changefeed_rows_received_total",
    type: "counter",
    labels: ["feed", "table"],
    help: "Rows received from CockroachDB, repeats included",
  },
  bytesReceived: {
    name: "changefeed_bytes_received_total",
    type: "counter",
    labels: ["feed", "table"],
    help: "Bytes of the keys and values of those rows",
  },
  duplicatesDropped: {
    name: "changefeed_duplicates_dropped_total",
    type: "counter",
    labels: ["feed", "table"],
    help: "Rows that CockroachDB sent again and that were not published again",
  },
  resolvedLag: {
    name: "changefeed_resolved_lag_seconds",
    type: "gauge",
    labels: ["feed"],
    help: "Age of the newest resolved timestamp received; absent before the first",
  },
  cursorTimestamp: {
    name: "changefeed_cursor_timestamp_seconds",
    type: "gauge",
    labels: ["feed"],
    help: "The stored cursor, in seconds since 1970; absent before there is one",
  },
  gcHeadroom: {
    name: "changefeed_gc_headroom_seconds",
    type: "gauge",
    labels: ["feed"],
    help: "Time until garbage collection passes the cursor; absent while unknown",
  },
  gcTtl: {
    name: "changefeed_gc_ttl_seconds",
    type: "gauge",
    labels: ["feed"],
    help: "How long CockroachDB keeps old versions of the tables; absent while unknown",
  },
  commitToConfirm: {
    name: "changefeed_commit_to_confirm_seconds",
    type: "histogram",
    labels: ["feed"],
    help: "From the commit in CockroachDB to the broker's confirm; not observed during scans",
  },
  gaps: {
    name: "changefeed_gaps_total",
    type: "counter",
    labels: ["feed"],
    help:
      "Times that garbage collection had overtaken the cursor, or a scan, and the feed went on behind the gap",
  },
  scanRunning: {
    name: "changefeed_initial_scan_running",
    type: "gauge",
    labels: ["feed"],
    help: "1 while the initial scan runs, else 0",
  },
  restarts: {
    name: "changefeed_restarts_total",
    type: "counter",
    labels: ["feed", "reason"],
    help: "Sessions that ended with a failure; the reason is the error's kind",
  },
  state: {
    name: "changefeed_state",
    type: "gauge",
    labels: ["feed", "state"],
    help: "1 for the state the publisher is in, 0 for every other",
  },
  guardBytes: {
    name: "changefeed_guard_bytes",
    type: "gauge",
    labels: ["feed"],
    help: "Memory of the rows remembered to recognise repeats",
  },
  guardOverflowed: {
    name: "changefeed_guard_overflowed",
    type: "gauge",
    labels: ["feed"],
    help: "1 while that memory is full, so that repeats of further rows pass, else 0",
  },
  confirmSeconds: {
    name: "rabbitmq_confirm_seconds",
    type: "histogram",
    labels: ["feed"],
    help: "From a message's publish to its confirm",
  },
  messagesInFlight: {
    name: "rabbitmq_messages_in_flight",
    type: "gauge",
    labels: ["feed"],
    help: "Messages from the first unconfirmed one to the newest",
  },
  inFlightLimit: {
    name: "rabbitmq_messages_in_flight_limit",
    type: "gauge",
    labels: ["feed"],
    help:
      "Messages that may be in flight at present: as many as make the broker faster, at most --max-in-flight",
  },
  bytesInFlight: {
    name: "rabbitmq_bytes_in_flight",
    type: "gauge",
    labels: ["feed"],
    help: "Bytes of the bodies of those messages",
  },
  nacked: {
    name: "rabbitmq_messages_nacked_total",
    type: "counter",
    labels: ["feed"],
    help: "Messages refused by the broker",
  },
  returned: {
    name: "rabbitmq_messages_returned_total",
    type: "counter",
    labels: ["feed"],
    help: "Messages returned because no queue takes them",
  },
  unpublishable: {
    name: "rabbitmq_messages_unpublishable_total",
    type: "counter",
    labels: ["feed", "action"],
    help: "Messages the broker will never take, skipped or sent to the dead-letter queue",
  },
  blocked: {
    name: "rabbitmq_blocked",
    type: "gauge",
    labels: ["feed"],
    help: "1 while the broker takes nothing because of a memory or disk alarm, else 0",
  },
  connected: {
    name: "rabbitmq_connected",
    type: "gauge",
    labels: ["feed"],
    help: "1 while connected to the broker, else 0",
  },
  cursorWrites: {
    name: "cursor_store_writes_total",
    type: "counter",
    labels: ["feed"],
    help: "Cursors stored",
  },
  cursorWriteSeconds: {
    name: "cursor_store_write_seconds",
    type: "histogram",
    labels: ["feed"],
    help: "How long storing a cursor took",
  },
  buildInfo: {
    name: "publisher_build_info",
    type: "gauge",
    labels: ["version"],
    help: "Always 1; the version is the label",
  },
  cpuSeconds: {
    name: "process_cpu_seconds_total",
    type: "counter",
    labels: [],
    help: "CPU time of the process, user and system",
  },
  residentBytes: {
    name: "process_resident_memory_bytes",
    type: "gauge",
    labels: [],
    help: "Memory of the process as the system counts it",
  },
  heapBytes: {
    name: "process_heap_bytes",
    type: "gauge",
    labels: [],
    help: "Memory of the JavaScript heap in use",
  },
  startTime: {
    name: "process_start_time_seconds",
    type: "gauge",
    labels: [],
    help: "When the process started, in seconds since 1970",
  },
  eventLoopLag: {
    name: "process_event_loop_lag_seconds",
    type: "gauge",
    labels: [],
    help: "The longest time since it was last asked for that the event loop was busy with one thing",
  },
} as const satisfies Record<string, MetricDefinition>;

/** The table of metrics as README shows it: Markdown between the lines `<!-- metrics -->` and `<!-- /metrics -->`. */
export function metricsTable(): string {
  const rows = Object.values(METRICS).map(({ name, type, labels, help }) =>
    `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(" ")} | ${help} |`
  );
  return ["| metric | type | labels | meaning |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

/** What went wrong, as far as the operator and the retry policy care. */
export type ErrorKind = keyof typeof POLICY;

/**
 * `retry`: new session after a back-off. `wait`: it heals by itself. `stop`: somebody has to do something. `end`: nobody has
 * to, it is over.
 */
export type Action = "retry" | "wait" | "stop" | "end";

/** The one table that decides what happens after a failure, with what the operator can do about it. */
export const POLICY = {
  SourceUnreachable: {
    action: "retry",
    hint:
      "check that CockroachDB runs and that DATABASE_URL names a host and port that can be reached from here",
  },
  SourceDraining: {
    action: "retry",
    hint: "the node is shutting down or the query was cancelled; nothing to do",
  },
  SourceDegraded: {
    action: "retry",
    hint:
      "a node or a range of CockroachDB does not answer, or lacks memory, disk or connections; it goes on by itself when that is over: look at the cluster's overview page and logs",
  },
  SourceSilent: {
    action: "retry",
    hint:
      "no row and no resolved timestamp came; look for a stuck range or network in CockroachDB's changefeed page",
  },
  TableOffline: {
    action: "retry",
    hint:
      "IMPORT INTO or RESTORE works on the table, and it goes on by itself afterwards; whether imported rows come, CockroachDB does not promise: `cursor delete` scans anew",
  },
  PrimaryKeyChanged: {
    action: "retry",
    hint:
      "from here on rows have new keys; nothing deletes what consumers have under the old ones, and rows that do not change do not come again: tell the consumers, or `cursor delete` to scan anew",
  },
  CursorAhead: {
    action: "retry",
    hint:
      "the clocks of two nodes differ by a moment; nothing to do, unless it stays: then check the nodes' clocks",
  },
  SerializationConflict: { action: "retry", hint: "CockroachDB asks to try again; nothing to do" },
  CursorStoreUnavailable: {
    action: "retry",
    hint: "the cursor could not be read or stored; check the database that holds the table cursor_store",
  },
  CursorMoved: {
    action: "retry",
    hint: "somebody else changed this feed's cursor or claimed the feed; going on from what is stored",
  },
  TakenOver: {
    action: "stop",
    hint:
      "another process publishes this feed; run one at a time, or let RabbitMQ choose with --lock exclusive-queue",
  },
  BrokerUnreachable: {
    action: "retry",
    hint: "check that RabbitMQ runs and that AMQP_ADDR names a host and port that can be reached from here",
  },
  BrokerLimit: {
    action: "retry",
    hint: "a limit of RabbitMQ is reached: of connections, channels or queues; make room or raise it",
  },
  BrokerNacked: {
    action: "retry",
    hint:
      "RabbitMQ refused a message; a full queue with x-overflow=reject-publish or a failed quorum does this",
  },
  Unknown: { action: "retry", hint: "an unknown failure; it is tried a few times, then the program stops" },
  BrokerBlocked: {
    action: "wait",
    hint: "RabbitMQ has a memory or disk alarm; free some, publishing goes on by itself",
  },
  StandingBy: {
    action: "wait",
    hint: "another publisher of this feed is active; this one takes over when it is gone",
  },
  DrainIncomplete: {
    action: "stop",
    hint:
      "nothing is lost: the next start goes on from the stored cursor; raise --drain-timeout if this is common",
  },
  EndNotReached: {
    action: "stop",
    hint: "nothing is lost: start again, and it goes on from the stored cursor to the end",
  },
  ConfigInvalid: { action: "stop", hint: "correct the setting; `--help` lists them all" },
  SourceDenied: { action: "stop", hint: "check user, password and privileges in CockroachDB" },
  InternalsRefused: {
    action: "stop",
    hint:
      "CockroachDB keeps its internals from this user; only the name of the lock needs one, the cluster's id: where two clusters share a broker, name their feeds apart with --feed",
  },
  LicenseMissing: {
    action: "stop",
    hint:
      "CockroachDB wants a valid licence for this: SHOW CLUSTER SETTING enterprise.license shows the cluster's, SET CLUSTER SETTING enterprise.license sets one",
  },
  RangefeedDisabled: { action: "stop", hint: "run: SET CLUSTER SETTING kv.rangefeed.enabled = true" },
  TableMissing: { action: "stop", hint: "check --table and the database in DATABASE_URL" },
  TableUnfit: {
    action: "stop",
    hint: "a table of this program's has other columns than it makes; rename that one",
  },
  TableUnsupported: {
    action: "stop",
    hint: "CockroachDB has no changefeed of this; remove it from --table",
  },
  TableDropped: {
    action: "stop",
    hint: "the table is gone; remove it from --table, or create it and start anew",
  },
  TableTruncated: {
    action: "stop",
    hint: "TRUNCATE sends no deletes; tell the consumers, run `cursor delete` and start anew",
  },
  SchemaChanged: {
    action: "stop",
    hint: "schema_change_policy=stop asked for this; start again to go on with the new schema",
  },
  TableNotAtCursor: {
    action: "stop",
    hint: "the table did not exist at the cursor; run `cursor delete` to start with a scan",
  },
  TableReplaced: {
    action: "stop",
    hint:
      "a name in --table stands for another table than it did; name the table of before as it is called now, or run `cursor delete` to begin with the new one",
  },
  UnknownTable: {
    action: "stop",
    hint: "CockroachDB sent a row of a table that this feed does not watch; report it",
  },
  CursorExpired: {
    action: "stop",
    hint:
      "changes since the cursor may be gone; choose --on-expired-cursor rescan or latest, or run `cursor delete` to scan anew, and raise gc.ttlseconds",
  },
  ScanExpired: {
    action: "stop",
    hint:
      "rows that were sent may be deleted since, and nothing would tell consumers; choose --on-expired-cursor rescan or latest, which tells them, or run `cursor delete` to scan anew, and raise gc.ttlseconds",
  },
  EnvelopeMalformed: {
    action: "stop",
    hint: "CockroachDB sent a row this program does not understand; report it",
  },
  OptionRejected: {
    action: "stop",
    hint: "correct --changefeed-option, --query or FAMILY in --table; this version of CockroachDB refuses it",
  },
  OriginalCursorFound: {
    action: "stop",
    hint: "to go on from it, run `cursor adopt`; to start without it, give --initial-scan",
  },
  FeedRunning: {
    action: "stop",
    hint:
      "stop the publishers of the feed first; or give --force: one that runs notices at its next cursor, and goes on from there",
  },
  BrokerDenied: { action: "stop", hint: "check user, password, vhost and permissions in RabbitMQ" },
  TopologyMismatch: {
    action: "stop",
    hint: "make the setting agree with what exists in RabbitMQ, or delete that and let it be declared anew",
  },
  Unroutable: {
    action: "stop",
    hint: "no queue takes the message; create or bind the queue, then start again",
  },
  StdoutClosed: {
    action: "stop",
    hint: "its disk may be full; make room, then start again",
  },
  ReaderGone: {
    action: "end",
    hint: "as with head; a line counts as sent when the pipe has it, and the rest comes with the next start",
  },
  MessageTooLarge: {
    action: "stop",
    hint:
      "keep such rows out of the table, raise max_message_size in RabbitMQ or shorten --routing-key or --header, or choose --on-unpublishable skip or dead-letter",
  },
} as const satisfies Record<string, { readonly action: Action; readonly hint: string }>;

/** A failure with its kind, its cause and what the operator can do. */
export class AgentError extends Error {
  /** Row of {@linkcode POLICY}. */
  readonly kind: ErrorKind;
  /** What the operator can do; the policy's, unless something more precise is known. */
  readonly hint: string;

  /**
   * A failure of this kind.
   *
   * @param kind row of {@linkcode POLICY}
   * @param message what was attempted, the offending value in quotes; never row data, never a secret
   * @param options the cause, and a hint more precise than the policy's
   */
  constructor(kind: ErrorKind, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "AgentError";
    this.kind = kind;
    this.hint = options.hint ?? POLICY[kind].hint;
  }

  /** What the policy says to do. */
  get action(): Action {
    return POLICY[this.kind].action;
  }

  /** The failure as an AgentError; anything not classified yet is `Unknown`. */
  static from(cause: unknown): AgentError {
    if (cause instanceof AgentError) return cause;
    const text = cause instanceof Error ? cause.message : String(cause);
    return new AgentError("Unknown", text, { cause });
  }
}

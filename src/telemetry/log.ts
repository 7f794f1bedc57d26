import { writeSync } from "node:fs";
import {
  compareLogLevel,
  getAnsiColorFormatter,
  getTextFormatter,
  type LogRecord,
  type TextFormatter,
} from "@logtape/logtape";
import type { Failure } from "./failure.ts";
import type { LogLevel } from "../settings/log_level.ts";

/** For people, or one JSON object a line. */
export type LogFormat = "pretty" | "json";

/** What is said beside the message; never row data, never a secret. */
export type LogFields = Readonly<Record<string, string | number | boolean>> & {
  /** Taken by the line itself, like `level` and `message`. */
  readonly time?: never;
  readonly level?: never;
  readonly message?: never;
};

/** Says one thing at one level. */
export type LogMethod = (message: string, fields?: LogFields) => void;

/** Where the program says what happens: one event, one line. */
export type Log = Readonly<Record<LogLevel, LogMethod>>;

/** How a log is written. */
export interface LogOptions {
  /** The least important level that is still written. */
  readonly level: LogLevel;
  /** Form of the lines. */
  readonly format: LogFormat;
  /** Colours in the pretty format: only where a terminal shows them. */
  readonly colours?: boolean;
  /** Takes one line without its end; whatever it throws reaches the caller of the log. */
  readonly write: (line: string) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

const LOGTAPE_LEVEL = {
  trace: "trace",
  debug: "debug",
  info: "info",
  warn: "warning",
  error: "error",
} as const;
const NAME = {
  trace: "TRACE",
  debug: "DEBUG",
  info: "INFO ",
  warning: "WARN ",
  error: "ERROR",
  fatal: "FATAL",
};
const PLAIN_VALUE = /^[^\s"=\\\p{C}]+$/u;
const CONTROLS = /[\u007f-\u009f\u2028\u2029]/g;

/**
 * A log with lines of its own format, written at once: nothing is buffered, so nothing is lost at exit. LogTape's
 * formatters are used without its global configuration, so that two publishers in one process have two logs.
 */
export function createLog(
  { level: lowest, format, colours = false, write, now = Date.now }: LogOptions,
): Log {
  const line = format === "json" ? jsonLine : prettyLine(colours);
  const method = (name: LogLevel): LogMethod => {
    const level = LOGTAPE_LEVEL[name];
    if (compareLogLevel(level, LOGTAPE_LEVEL[lowest]) < 0) return () => {};
    return (message, fields = {}) =>
      write(
        line({
          category: [],
          level,
          message: [message],
          rawMessage: message,
          timestamp: now(),
          properties: fields,
        }),
      );
  };
  return {
    trace: method("trace"),
    debug: method("debug"),
    info: method("info"),
    warn: method("warn"),
    error: method("error"),
  };
}

/** What to log beside a failure's message: kind, cause (if any) and hint. */
export function failureFields({ kind, causes, hint }: Failure): LogFields {
  return causes.length === 0 ? { kind, hint } : { kind, cause: causes.join(": "), hint };
}

/** Writes a line to standard error, at once. */
export function writeToStderr(line: string): void {
  const bytes = new TextEncoder().encode(`${line}\n`);
  try {
    for (let written = 0; written < bytes.length;) written += writeSync(2, bytes, written);
  } catch {
    // Nobody reads standard error any more. That is no reason to stop publishing, and nowhere to say it.
  }
}

/** `2026-11-24T21:56:48.000Z INFO  Streaming table=foo`; LogTape makes line breaks and escape sequences harmless. */
function prettyLine(colours: boolean): TextFormatter {
  const formatter = colours ? getAnsiColorFormatter : getTextFormatter;
  const format = formatter({
    timestamp: "rfc3339",
    level: (level) => NAME[level],
    sanitize: { sgr: "escape", newlines: "escape" },
    format: ({ timestamp, level, message, record }) => {
      const fields = Object.entries(record.properties).map(([name, value]) =>
        ` ${name}=${prettyValue(value)}`
      );
      return `${timestamp} ${level} ${message}${fields.join("")}`;
    },
  });
  return (record) => format(record).slice(0, -1);
}

function prettyValue(value: unknown): string {
  const text = String(value);
  return PLAIN_VALUE.test(text) ? text : quoted(text);
}

function jsonLine({ timestamp, level, rawMessage, properties }: LogRecord): string {
  return quoted({
    time: new Date(timestamp).toISOString(),
    level: level === "warning" ? "warn" : level,
    message: rawMessage,
    ...properties,
  });
}

/** JSON that also escapes what terminals and some readers of lines take for a control character. */
function quoted(value: unknown): string {
  return JSON.stringify(value).replace(
    CONTROLS,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

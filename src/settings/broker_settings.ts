import {
  choice,
  integer,
  readAmqpName,
  readBindingKey,
  readHeader,
  readPath,
  readRoutingKey,
  readSwitch,
  readTypedPair,
  size,
  wholeSeconds,
} from "./reading.ts";
import type { Setting } from "./setting.ts";

const MEBIBYTE = 1024 ** 2;

/** The rows of the table of settings that are about messages and RabbitMQ. */
export const BROKER_SETTINGS = {
  format: {
    heading: "Messages",
    flag: "--format FORM",
    env: "CHANGEFEED_FORMAT",
    default: "envelope",
    meaning: "Body: envelope (the original's), value (the value column alone) or cloudevents",
    read: choice("envelope", "value", "cloudevents"),
  },
  emitResolved: {
    flag: "--emit-resolved",
    env: "CHANGEFEED_EMIT_RESOLVED",
    default: "no",
    meaning: "Publish watermarks: every change up to this time was delivered before; or --no-emit-resolved",
    read: readSwitch,
  },
  headers: {
    flag: "--headers SET",
    env: "AMQP_HEADERS",
    default: "none",
    meaning: "none, or standard: headers table, key, updated and feed; they cost throughput",
    read: choice("none", "standard"),
  },
  header: {
    flag: "--header K=V",
    env: "AMQP_HEADER",
    many: true,
    meaning: "A header of your own, a template too; numbers, true, false and times (RFC 3339) are typed",
    read: readHeader,
  },
  routingKey: {
    flag: "--routing-key TEMPLATE",
    env: "AMQP_ROUTING_KEY",
    otherwise: "the queue; {table} with --exchange",
    meaning:
      "{table} {schema} {database} {op} {key} {id} {traceparent} {feed} are filled in; {{ and }} are braces",
    read: readRoutingKey,
  },

  onUnpublishable: {
    flag: "--on-unpublishable WAY",
    env: "CHANGEFEED_ON_UNPUBLISHABLE",
    default: "fail",
    meaning: "What becomes of a message the broker will never take: fail, skip or dead-letter",
    read: choice("fail", "skip", "dead-letter"),
  },
  deadLetterQueue: {
    flag: "--dead-letter-queue NAME",
    env: "AMQP_DEAD_LETTER_QUEUE",
    otherwise: "when dead letters are wanted",
    meaning: "Queue for such messages, with the reason in headers",
    read: readAmqpName,
  },

  exchange: {
    heading: "RabbitMQ",
    flag: "--exchange NAME",
    env: "AMQP_EXCHANGE",
    otherwise: "the default exchange",
    meaning: "Exchange to publish to; it must exist",
    read: readAmqpName,
  },
  bindingKeys: {
    flag: "--binding-key KEY",
    env: "AMQP_BINDING_KEY",
    many: true,
    otherwise: "the routing key; # where that has {…}",
    meaning: "What binds AMQP_QUEUE to --exchange, where both are given",
    read: readBindingKey,
  },
  declare: {
    flag: "--declare WHEN",
    env: "AMQP_DECLARE",
    default: "if-missing",
    meaning: "Declare the queue, and bind it to --exchange: if-missing or never",
    read: choice("if-missing", "never"),
  },
  queueType: {
    flag: "--queue-type TYPE",
    env: "AMQP_QUEUE_TYPE",
    otherwise: "quorum",
    meaning: "Type of a queue that is declared: quorum, classic or stream",
    read: choice("quorum", "classic", "stream"),
  },
  queueArguments: {
    flag: "--queue-argument K=V",
    env: "AMQP_QUEUE_ARGUMENT",
    many: true,
    meaning: 'Argument of the queue: x-max-age=7D; whole numbers, true and false are typed, "1000" is text',
    read: readTypedPair,
  },
  maxInFlight: {
    flag: "--max-in-flight N",
    env: "AMQP_MAX_IN_FLIGHT",
    default: "1000",
    meaning: "Most messages without the broker's confirm, 1 to 65535; fewer where more bring no throughput",
    read: integer(1, 65535),
  },
  maxInFlightBytes: {
    flag: "--max-in-flight-bytes SIZE",
    env: "AMQP_MAX_IN_FLIGHT_BYTES",
    default: "32MiB",
    meaning: "Most bytes of bodies without the broker's confirm, at least 1MiB",
    read: size(MEBIBYTE, "1MiB"),
  },
  heartbeat: {
    flag: "--amqp-heartbeat DURATION",
    env: "AMQP_HEARTBEAT",
    default: "5s",
    meaning: "Heartbeat, 1s to 1h: how soon a dead connection is noticed",
    read: wholeSeconds(1, 3600),
  },
  lock: {
    flag: "--lock KIND",
    env: "AMQP_LOCK",
    default: "exclusive-queue",
    meaning: "What keeps a second copy of the feed waiting: exclusive-queue or none",
    read: choice("exclusive-queue", "none"),
  },
  tlsCa: {
    flag: "--amqp-tls-ca PATH",
    env: "AMQP_TLS_CA",
    otherwise: "the system's",
    meaning: "PEM file of the authorities that may sign the broker's certificate",
    read: readPath,
  },
  tlsCert: {
    flag: "--amqp-tls-cert PATH",
    env: "AMQP_TLS_CERT",
    meaning: "PEM file of a client certificate; without a user in AMQP_ADDR it logs in",
    read: readPath,
  },
  tlsKey: {
    flag: "--amqp-tls-key PATH",
    env: "AMQP_TLS_KEY",
    meaning: "PEM file of the client certificate's private key",
    read: readPath,
  },
} as const satisfies Readonly<Record<string, Setting>>;

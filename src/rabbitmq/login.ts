import { Writer } from "@cloudamqp/amqp-client/amqp-frame";
import { AgentError } from "../errors.ts";
import { PROGRAM } from "../settings/version.ts";

/** Who logs in; `undefined`: whoever the client certificate names. */
export type Credentials = { readonly user: string; readonly password: string } | undefined;

/** The broker's greeting: a frame that can be read at an offset; both give the value and its length. */
export interface Greeting {
  /** Reads a table. */
  getTable(at: number): [unknown, number];
  /** Reads a long string. */
  getLongString(at: number): [string, number];
}

/** What the broker shows of this client. */
export interface ClientName {
  /** Name of the connection. */
  readonly connection: string;
  /** Runtime and operating system. */
  readonly platform: string;
}

const METHOD = 1, CONNECTION = 10, START_OK = 11;
/** After the frame's start, class, method and version. */
const SERVER_PROPERTIES = 13;

/** What the broker says of itself. */
export interface BrokerProduct {
  /** `RabbitMQ` */
  readonly product: string;
  /** `3.10.8` */
  readonly version: string;
  /** It can confirm what is published. */
  readonly confirms: boolean;
}

/** Reads from the broker's greeting what it says of itself. */
export function brokerProduct(greeting: Greeting): BrokerProduct {
  const [table] = greeting.getTable(SERVER_PROPERTIES);
  const { product, version, capabilities } = table as Readonly<Record<string, unknown>>;
  const { publisher_confirms: confirms } = (capabilities ?? {}) as Readonly<Record<string, unknown>>;
  return { product: String(product), version: String(version), confirms: confirms === true };
}

/**
 * The frame that answers the broker's greeting: connection.start-ok.
 *
 * @throws AgentError when the broker does not offer the login we need
 */
export function answerGreeting(greeting: Greeting, credentials: Credentials, name: ClientName): Uint8Array {
  const [, length] = greeting.getTable(SERVER_PROPERTIES);
  const [mechanisms] = greeting.getLongString(SERVER_PROPERTIES + length);
  const mechanism = credentials === undefined ? "EXTERNAL" : "PLAIN";
  if (!mechanisms.split(" ").includes(mechanism)) {
    throw new AgentError(
      "BrokerDenied",
      `Cannot log in to RabbitMQ: it offers no ${mechanism} login, only ${mechanisms}`,
      {
        hint: credentials === undefined
          ? "enable the plugin rabbitmq_auth_mechanism_ssl, or name a user in AMQP_ADDR"
          : "enable PLAIN in auth_mechanisms, or use a client certificate",
      },
    );
  }
  const frame = new Writer({
    bufferSize: 8192,
    type: METHOD,
    channel: 0,
    classId: CONNECTION,
    method: START_OK,
  });
  frame.writeTable({
    connection_name: name.connection,
    product: PROGRAM,
    platform: name.platform,
    capabilities: {
      authentication_failure_close: true,
      "basic.nack": true,
      "connection.blocked": true,
      consumer_cancel_notify: true,
      publisher_confirms: true,
    },
  });
  frame.writeShortString(mechanism);
  frame.writeLongString(credentials === undefined ? "" : `\0${credentials.user}\0${credentials.password}`);
  frame.writeShortString("en_US");
  frame.finalize();
  return frame.toUint8Array();
}

import { AMQP_PARAMETERS } from "./amqp_parameters.ts";
import { hostPortText, parseHostPort } from "./host_port.ts";
import { quoted } from "./quoted.ts";
import { parseServiceUrl } from "./service_url.ts";
import { unusedParameters } from "./url_parameter.ts";

/** One node of a RabbitMQ cluster, and how to log in to it. */
export interface AmqpAddress {
  /** Name or address; an IPv6 address is without brackets. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
  /** `amqps://` */
  readonly tls: boolean;
  /** `undefined`: the client certificate logs in, or `guest` where there is none. */
  readonly user: string | undefined;
  /** `undefined` when there is none. */
  readonly password: string | undefined;
  /** `/` unless given. */
  readonly vhost: string;
  /** In seconds, 1 to 3600, where it stands behind `?`. */
  readonly heartbeat?: number;
  /** Names of the parameters behind `?` that mean nothing here. */
  readonly parameters: readonly string[];
}

const LONGEST_HEARTBEAT = 3600;
const EXPECTED = "amqp://user:password@host:5672/vhost, or amqps:// for TLS";

/**
 * Reads the nodes of one cluster: `amqp://user:password@h1:5672/vhost,amqps://user:password@h2`. Without
 * a port it is 5672 (5671 with TLS), without a vhost `/`. Returns what is wrong as a text without
 * any secret in it.
 */
export function parseAmqpAddresses(text: string): readonly AmqpAddress[] | string {
  const addresses: AmqpAddress[] = [];
  // Only a comma with an address behind it separates: a password may hold one too.
  for (const part of text.split(/,(?=\s*amqps?:\/\/)/i)) {
    const address = parseAmqpAddress(part);
    if (typeof address === "string") return address;
    addresses.push(address);
  }
  if (new Set(addresses.map(({ vhost }) => vhost)).size > 1) {
    return "the addresses name different vhosts; they must be nodes of one cluster, for failover";
  }
  return addresses;
}

/** Reads one address; returns what is wrong as a text without any secret in it. */
export function parseAmqpAddress(text: string): AmqpAddress | string {
  const url = parseServiceUrl(text, ["amqp", "amqps"], EXPECTED);
  if (typeof url === "string") return url;
  const tls = url.scheme === "amqps";
  const node = parseHostPort(url.hosts, tls ? 5671 : 5672);
  if (typeof node === "string") return node;
  const unused = unusedParameters(url.parameters, AMQP_PARAMETERS);
  if (typeof unused === "string") return unused;
  const heartbeat = url.parameters.get("heartbeat") ?? undefined;
  if (
    heartbeat !== undefined && !(/^[1-9]\d{0,3}$/.test(heartbeat) && Number(heartbeat) <= LONGEST_HEARTBEAT)
  ) {
    return `heartbeat ${quoted(heartbeat)} is no number of seconds from 1 to ${LONGEST_HEARTBEAT}`;
  }
  return {
    ...node,
    tls,
    user: url.user,
    password: url.password,
    vhost: url.path || "/",
    ...(heartbeat === undefined ? {} : { heartbeat: Number(heartbeat) }),
    parameters: unused,
  };
}

/** `host:5672/vhost`: what a log may show. */
export function amqpAddressText(address: AmqpAddress): string {
  return `${hostPortText(address)}/${address.vhost === "/" ? "" : address.vhost}`;
}

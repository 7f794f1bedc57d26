import type { AmqpAddress } from "./amqp_address.ts";
import type { Sources } from "./given_settings.ts";
import type { Values } from "./settings.ts";

/** How to reach RabbitMQ. */
export interface BrokerAccess {
  /** Nodes of one cluster, all with the same vhost; at least one. */
  readonly addresses: readonly AmqpAddress[];
  /** PEM texts for `amqps` addresses; certificate and key come together. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** In whole seconds, 1 to 3600. */
  readonly heartbeat: number;
}

/** In seconds. */
const DEFAULT_HEARTBEAT = 5;

/** Takes it from settings in which nothing is wrong; no address is there where none is given. */
export function brokerAccess(values: Values, { readFile }: Sources): BrokerAccess {
  const { tlsCa, tlsCert, tlsKey, addresses = [], heartbeat } = values;
  const asked = addresses.map((address) => address.heartbeat).filter((seconds) => seconds !== undefined);
  return {
    addresses,
    tls: {
      ...(tlsCa === undefined ? {} : { ca: readFile(tlsCa) }),
      ...(tlsCert === undefined ? {} : { cert: readFile(tlsCert) }),
      ...(tlsKey === undefined ? {} : { key: readFile(tlsKey) }),
    },
    heartbeat: heartbeat ?? (asked.length > 0 ? Math.min(...asked) : DEFAULT_HEARTBEAT),
  };
}

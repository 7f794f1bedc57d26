import {
  type FailureKind,
  NETWORK_CODE,
  TLS_CODE,
  TLS_TEXT,
  type Verdict,
  verdictOf,
} from "../failure_kinds.ts";

const TLS_HINT =
  "check the certificate's names and dates and --amqp-tls-ca; a broker that asks for one wants --amqp-tls-cert and --amqp-tls-key";
const NO_TLS = "the port does not speak TLS; use amqp://";
/** Limits, and who raises which; texts of 3.10.8 and, of the node's, of 4.0.5. */
const QUEUES = `make room, or raise the limit: rabbitmqctl set_vhost_limits -p VHOST '{"max-queues": 1000}'`;
const VHOST_CONNECTIONS =
  `close some, or raise the limit: rabbitmqctl set_vhost_limits -p VHOST '{"max-connections": 1000}'`;
const USER_CONNECTIONS =
  `close some, or raise the limit: rabbitmqctl set_user_limits USER '{"max-connections": 1000}'`;
const NODE_CONNECTIONS = "close some, or raise connection_max in rabbitmq.conf";
const USER_CHANNELS = `raise the limit: rabbitmqctl set_user_limits USER '{"max-channels": 1000}'`;
const CHANNELS = "raise channel_max in rabbitmq.conf: a feed wants two channels";

/**
 * What AMQP reply codes mean, https://www.rabbitmq.com/amqp-0-9-1-reference#constants, and replies of a code that mean something
 * else: as a whole or from their beginning, so that no name in them can. Verified on RabbitMQ 3.10.8
 * (tests/integration/rabbitmq_topology_test.ts) where no other version is named.
 */
const REPLIES: Readonly<Record<number, readonly FailureKind[]>> = {
  311: [[/^/, "MessageTooLarge"]], // content-too-large
  320: [[/^/, "BrokerUnreachable"]], // connection-forced: shutdown, or closed by an operator
  402: [[/^/, "BrokerDenied"]], // invalid-path: the virtual host
  403: [
    [
      /^ACCESS_REFUSED - (?:queue|exchange) name '.*' contains reserved prefix 'amq\.\*'$/,
      "ConfigInvalid",
      "names that begin with amq. are RabbitMQ's own; choose another",
    ],
    [
      /^ACCESS_REFUSED - cannot publish to internal exchange '.*' in vhost '.*'$/,
      "TopologyMismatch",
      "the exchange is internal, for other exchanges alone: publish to one that is bound to it",
    ],
    [
      /^ACCESS_REFUSED - operation not permitted on the default exchange$/,
      "ConfigInvalid",
      "the default exchange needs no binding: give AMQP_QUEUE alone",
    ],
    [/^/, "BrokerDenied"], // access-refused: login or permissions
  ],
  404: [
    // It heals: the queue exists. `rabbit_amqqueue:not_found_or_absent` of 3.10 and 4.1.
    [
      /^NOT_FOUND - home node '.*' of durable queue '.*' in vhost '.*' is down or inaccessible$/,
      "BrokerUnreachable",
    ],
    [
      /^NOT_FOUND - queue '.*' in vhost '.*' (?:process is stopped by supervisor|has crashed and failed to restart)$/,
      "BrokerUnreachable",
    ],
    [/^/, "Unroutable"],
  ],
  405: [[/^/, "TopologyMismatch", "another connection has the queue for itself; choose another queue"]],
  406: [
    [/^PRECONDITION_FAILED - message size \d+ (?:is )?larger than .*max size/, "MessageTooLarge"],
    [
      /^PRECONDITION_FAILED - cannot declare queue '.*': queue limit in vhost '.*' \(\d+\) is reached$/,
      "BrokerLimit",
      QUEUES,
    ],
    [/^/, "TopologyMismatch"],
  ],
  506: [[/^/, "BrokerUnreachable"]], // resource-error
  530: [
    [
      /^NOT_ALLOWED - access to vhost '.*' refused for user '.*': connection limit \(\d+\) is reached$/,
      "BrokerLimit",
      VHOST_CONNECTIONS,
    ],
    [
      /^NOT_ALLOWED - connection refused for user '.*': user connection limit \(\d+\) is reached$/,
      "BrokerLimit",
      USER_CONNECTIONS,
    ],
    [
      /^NOT_ALLOWED - connection refused: node connection limit \(\d+\) is reached$/,
      "BrokerLimit",
      NODE_CONNECTIONS,
    ],
    [
      /^NOT_ALLOWED - number of channels opened for user '.*' has reached the maximum allowed /,
      "BrokerLimit",
      USER_CHANNELS,
    ],
    [/^NOT_ALLOWED - number of channels opened \(\d+\) has reached /, "BrokerLimit", CHANNELS],
    [/^/, "BrokerDenied"], // not-allowed: no such virtual host, or no access to it
  ],
  540: [[/^/, "TopologyMismatch"]], // not-implemented: a feature this broker lacks
  541: [[/^/, "BrokerUnreachable"]], // internal-error: also a virtual host that is down
};

/** What failures of the way to the broker are called. */
const SYSTEM_CODES: readonly FailureKind[] = [
  [/^ERR_SSL_WRONG_VERSION_NUMBER$/, "BrokerDenied", NO_TLS],
  [NETWORK_CODE, "BrokerUnreachable"],
  [TLS_CODE, "BrokerDenied", TLS_HINT],
];

/** What comes without a code: this program's words, the library's (4.1.1), and those of the system and TLS of Deno (2.6 to 2.9). */
const LOCAL_TEXTS: readonly FailureKind[] = [
  [
    /^Short string too long, /, // before anything is sent
    "ConfigInvalid",
    "names in AMQP have at most 255 bytes; choose a shorter one: --feed, AMQP_QUEUE or --exchange",
  ],
  [/^Max number of channels reached$/, "BrokerLimit", CHANNELS],
  [/^Message rejected$/, "BrokerNacked"],
  [
    /^received corrupt message of type InvalidContentType\b|\(SSL routines:.*:wrong version number\)$/,
    "BrokerDenied",
    NO_TLS,
  ],
  [TLS_TEXT, "BrokerDenied", TLS_HINT],
  [
    /^(?:socket (?:closed|not connected|hang up)\b|(?:heartbeat )?timeout$|connection (?:closed|ended)\b|connection not cleanly closed\b|connection blocked by server\b|channel (?:\d+ )?(?:is )?closed\b|no answer within \d|nothing received for \d|unexpected end of file$|end of file before message length reached$|unexpected eof$|tls handshake eof$|peer closed connection without sending TLS close_notify\b)/i,
    "BrokerUnreachable",
  ],
  [/^(?:read|write|connect|getaddrinfo) E[A-Z_]+\b|\(os error \d+\)$/, "BrokerUnreachable"],
];

/** What the broker says with this reply code. */
export function kindOfReply(code: number, text: string): Verdict {
  return verdictOf(REPLIES[code] ?? [], text) ?? ["Unknown"];
}

/** What a failure is that the broker said nothing of. */
export function kindOfFailure(code: string | undefined, text: string): Verdict {
  return code !== undefined && verdictOf(SYSTEM_CODES, code) || verdictOf(LOCAL_TEXTS, text) || ["Unknown"];
}

import type { ParameterRules } from "./url_parameter.ts";

const CA = "use --amqp-tls-ca", CERT = "use --amqp-tls-cert", KEY = "use --amqp-tls-key";

/** The query parameters of RabbitMQ's own clients (https://www.rabbitmq.com/docs/uri-query-parameters). */
export const AMQP_PARAMETERS: ParameterRules = {
  known: {
    heartbeat: "taken",
    cacertfile: { instead: CA },
    certfile: { instead: CERT },
    keyfile: { instead: KEY },
    password: { instead: "encrypted keys are not read; decrypt it: openssl pkey -in KEY -out PLAIN" },
    verify: {
      asks: /^verify_peer$/,
      instead: "the broker's certificate is always verified; name its authority with --amqp-tls-ca",
    },
    server_name_indication: {
      instead: "the certificate must have the name of the host; write that as the host",
    },
    fail_if_no_peer_cert: "unused", // for servers
    auth_mechanism: {
      asks: /^plain$/i,
      instead: "a client certificate logs in where the address has no user: see --amqp-tls-cert",
    },
    connection_timeout: "unused",
    channel_max: "unused",
    frame_max: "unused",
  },
  aliases: {
    ca: "cacertfile",
    cafile: "cacertfile",
    cacert: "cacertfile",
    sslca: "cacertfile",
    cert: "certfile",
    clientcert: "certfile",
    key: "keyfile",
    clientkey: "keyfile",
    sslverify: "verify",
    tlsverify: "verify",
    verifypeer: "verify",
    servername: "server_name_indication",
    sni: "server_name_indication",
    authmechanism: "auth_mechanism",
    vhost: "the path",
    ssl: "amqps://",
    tls: "amqps://",
  },
};

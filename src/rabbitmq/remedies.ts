import type { AmqpAddress } from "../settings/amqp_address.ts";
import { shellWord } from "../settings/quoted.ts";
import type { AgentError } from "../errors.ts";

/** What a feed does in RabbitMQ, as its permissions go. */
export interface PermissionNeeds {
  /** Queues that it declares, where they are missing. */
  readonly declares: readonly string[];
  /** Exchanges that it publishes to; empty for the default one. */
  readonly publishes: readonly string[];
  /** A queue that it binds to an exchange. */
  readonly binds: { readonly queue: string; readonly exchange: string } | undefined;
  /** It takes a lock. */
  readonly locks: boolean;
}

/** The lock's name begins so: see feed_lock.ts. */
const LOCKS = "changefeed\\..*";
/** What permissions call the default exchange. */
const DEFAULT_EXCHANGE = "amq.default";

/** The command that gives a user exactly what a feed needs, instead of what he had. */
export function permissionsRemedy(
  { vhost }: AmqpAddress,
  user: string,
  { declares, publishes, binds, locks }: PermissionNeeds,
): string {
  const lock = locks ? [LOCKS] : [];
  const configure = pattern([...lock, ...declares.map(literal)]);
  const exchanges = publishes.map((exchange) => literal(exchange === "" ? DEFAULT_EXCHANGE : exchange));
  const write = pattern([...exchanges, ...(binds === undefined ? [] : [literal(binds.queue)])]);
  const read = pattern([...lock, ...(binds === undefined ? [] : [literal(binds.exchange)])]);
  const words = ["set_permissions", "-p", vhost, user, configure, write, read];
  return `rabbitmqctl ${words.map(shellWord).join(" ")}`;
}

/** At the end of the text, where no name that was attempted stands. */
const LOGIN_REFUSED = /: connection closed: ACCESS_REFUSED - Login was refused [^'"]*\(403\)$/;
const NO_VHOST = /: connection closed: NOT_ALLOWED - vhost [^"]* not found \(530\)$/;
const NO_ACCESS =
  /: connection closed: NOT_ALLOWED - access to vhost '[^"]*' refused for user '[^"]*' \(530\)$/;

/** What mends a login that was refused. Nobody but the operator knows the password. */
export function loginRemedy(
  error: AgentError,
  { vhost }: AmqpAddress,
  user: string,
  permissions: string,
): string {
  const { message } = error;
  if (LOGIN_REFUSED.test(message)) return `rabbitmqctl change_password ${shellWord(user)} '…'`;
  if (NO_VHOST.test(message)) return `rabbitmqctl add_vhost ${shellWord(vhost)}; ${permissions}`;
  return NO_ACCESS.test(message) ? permissions : error.hint;
}

function pattern(parts: readonly string[]): string {
  return parts.length === 0 ? "^$" : `^(${[...new Set(parts)].join("|")})$`;
}

/** The name as a regular expression that nothing else matches. */
export function literal(name: string): string {
  return name.replace(/[\\^$.|?*+()[\]{}]/g, "\\$&");
}

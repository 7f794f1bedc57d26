import { AgentError } from "../errors.ts";

/** An argument of a queue: text, whole number or yes/no. */
export type QueueArgument = string | number | boolean;

/** Arguments of a queue by their names: `x-queue-type` and the like. */
export type QueueArguments = Readonly<Record<string, QueueArgument>>;

/** What a declaration says of a queue. */
export interface Declaration {
  /** It survives a restart of the broker. */
  readonly durable: boolean;
  /** It goes with its last consumer. */
  readonly autoDelete: boolean;
  /** Everything else. */
  readonly args: QueueArguments;
}

/**
 * Sees whether a queue has the arguments that were asked for. AMQP tells nothing of a queue but, when it is declared once
 * more, the first difference; so it is declared again with what it turned out to have, until no difference is left.
 * What it has besides is its owner's business, durability too. Where the broker's texts lead no further, what they did not
 * tell counts for no difference.
 *
 * @param declare declares the queue; rejects with the broker's text
 * @throws AgentError that names every argument that differs
 */
export async function compareQueue(
  queue: string,
  asked: QueueArguments,
  declare: (declaration: Declaration) => Promise<void>,
): Promise<void> {
  let declaration: Declaration = { durable: true, autoDelete: false, args: asked };
  const present = new Map<string, QueueArgument | undefined>();
  const differing = () => Object.keys(asked).filter((name) => present.has(name));
  for (;;) {
    const refusal = await declare(declaration).then(() => undefined, (cause) => AgentError.from(cause));
    if (refusal === undefined) break;
    const name = differentArgument(refusal.message);
    const isOthersBusiness = name !== undefined && !(name in asked);
    const difference = differenceIn(refusal.message, declaration.args);
    if (difference === undefined || present.has(difference.name)) {
      if (isOthersBusiness || differing().length > 0) break;
      throw refusal;
    }
    present.set(difference.name, difference.present);
    declaration = withPresent(declaration, difference);
  }
  if (differing().length > 0) throw mismatch(queue, asked, present, differing());
}

/**
 * What arguments a queue has, found as {@linkcode compareQueue} does; `undefined` where that cannot be told. What policies add is not
 * among them: AMQP does not show it.
 *
 * @param declare declares the queue, which exists; rejects with the broker's text
 */
export async function presentArguments(
  declare: (declaration: Declaration) => Promise<void>,
): Promise<QueueArguments | undefined> {
  let declaration: Declaration = { durable: true, autoDelete: false, args: {} };
  const present = new Set<string>();
  for (;;) {
    const refusal = await declare(declaration).then(() => undefined, (cause) => AgentError.from(cause));
    if (refusal === undefined) return declaration.args;
    const difference = differenceIn(refusal.message, declaration.args);
    if (difference === undefined || present.has(difference.name)) return undefined;
    present.add(difference.name);
    declaration = withPresent(declaration, difference);
  }
}

/** What the queue has where its declaration says otherwise; `undefined`: no such argument. */
interface Difference {
  readonly name: string;
  readonly present: QueueArgument | undefined;
}

/** The broker's text of a 406 names the argument first, and is cut where it would be longer than 255 bytes. */
function differentArgument(text: string): string | undefined {
  return /(?:^|: PRECONDITION_FAILED - )inequivalent arg '([^']+)' for queue /.exec(text)?.[1];
}

/**
 * The whole text. Verified on RabbitMQ 3.10.8 and 4.0.5: the latter takes a queue that is declared without `x-queue-type`
 * for one of the virtual host's default type, so that it says `received 'classic'` where the former says `received none`.
 */
const INEQUIVALENT =
  /(?:^|: PRECONDITION_FAILED - )inequivalent arg '([^']+)' for queue .*: received (?:none|'(.*)'|the value .*) but current is (?:none|'(.*)'|the value '(.*)' of type '(\w+)') \(406\)$/s;

function differenceIn(text: string, args: QueueArguments): Difference | undefined {
  const [, name, received, current, value, type] = INEQUIVALENT.exec(text) ?? [];
  if (name === undefined) return undefined;
  if (value !== undefined) {
    return {
      name,
      present: typed(value, type === "longstr" ? "string" : type === "bool" ? "boolean" : "number"),
    };
  }
  if (current === undefined) return { name, present: undefined };
  const sent = args[name];
  // The broker compared with a default of its own: only the looks tell what is there.
  if (sent === undefined) return { name, present: typed(current, kindByLooks(current)) };
  // Two values come without their types: they have the same, unless they look alike.
  const kind = typeof sent === "string" ? kindByLooks(current) : "string";
  return { name, present: typed(current, received === current ? kind : typeof sent) };
}

function kindByLooks(text: string): string {
  return /^(true|false)$/.test(text) ? "boolean" : /^-?\d+$/.test(text) ? "number" : "string";
}

function typed(text: string, kind: string): QueueArgument {
  return kind === "boolean" ? text === "true" : kind === "number" ? Number(text) : text;
}

function withPresent(declaration: Declaration, { name, present }: Difference): Declaration {
  if (name === "durable") return { ...declaration, durable: present === true };
  if (name === "auto_delete") return { ...declaration, autoDelete: present === true };
  const { [name]: _, ...others } = declaration.args;
  return { ...declaration, args: present === undefined ? others : { ...others, [name]: present } };
}

const TYPE = "x-queue-type";

function mismatch(
  queue: string,
  asked: QueueArguments,
  found: ReadonlyMap<string, QueueArgument | undefined>,
  names: readonly string[],
): AgentError {
  const differences = names.map((name) => {
    // A queue declared without a type is a classic one.
    const present = found.get(name) ?? (name === TYPE ? "classic" : undefined);
    const setting = name === TYPE ? "--queue-type" : "--queue-argument";
    return {
      text: `${name} is ${present === undefined ? "not set" : shown(present)}, ${setting} asks for ${
        shown(asked[name] ?? "")
      }`,
      remedy: present === undefined
        ? `no --queue-argument ${name}`
        : name === TYPE
        ? `--queue-type ${present}`
        : `--queue-argument '${name}=${shown(present)}'`,
    };
  });
  return new AgentError(
    "TopologyMismatch",
    `Queue "${queue}" is not what the settings ask for: ${differences.map(({ text }) => text).join("; ")}`,
    {
      hint: `take it as it is: ${differences.map(({ remedy }) => remedy).join(", ")}; ` +
        `or delete it with its messages and start again: rabbitmqctl delete_queue '${queue}'`,
    },
  );
}

function shown(value: QueueArgument): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

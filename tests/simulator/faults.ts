import { Signal } from "./signal.ts";
import { SqlError } from "./sql_error.ts";

/** Whom a fault hits; what is not given matches everybody. */
export interface FaultTarget {
  readonly application?: string;
  /** A table of the feed, or a name that occurs in the statement. */
  readonly table?: string;
  /** The port of one node. */
  readonly node?: number;
}

/** What can be made to go wrong. */
export type Fault =
  & FaultTarget
  & { readonly id?: string }
  & (
    /** Feeds send nothing; their sockets stay open. */
    | { readonly kind: "stall" }
    /** Connections neither read nor answer. */
    | { readonly kind: "freeze" }
    /** Every row comes twice. */
    | { readonly kind: "repeat" }
    /** Every value of a row ends in its middle. */
    | { readonly kind: "malform" }
    /**
     * As when ranges split: rows since the last resolved timestamp come again, mixed with new ones; until then, and until
     * there are so many (`least`), none is resolved.
     */
    | { readonly kind: "rewind"; readonly share?: number; readonly times?: number; readonly least?: number }
    /** The feed fails, after that many more rows. */
    | { readonly kind: "fail"; readonly code: string; readonly message: string; readonly afterRows?: number }
    /** Statements fail: instead of running, or after they have run; `drop` closes the connection without an answer. */
    | {
      readonly kind: "statement";
      readonly match?: string;
      readonly code?: string;
      readonly message?: string;
      readonly effect?: "before" | "after" | "drop-before" | "drop-after";
      readonly times?: number;
    }
    /** Statements are answered later. */
    | { readonly kind: "delay"; readonly milliseconds: number; readonly match?: string }
  );

/** A connection, as faults see it. */
export interface FaultSubject {
  readonly application: string;
  readonly node: number;
  /** Last names of the tables that its feed watches. */
  readonly tables: readonly string[];
}

type FaultOf<Kind extends Fault["kind"]> = Extract<Fault, { kind: Kind }>;

/** The faults in force. */
export class Faults {
  /** Fires whenever a fault comes or goes. */
  readonly changed = new Signal();
  readonly #faults = new Map<string, Fault>();
  readonly #uses = new Map<string, number>();

  /** Puts a fault in force and gives its id. */
  add(fault: Fault): string {
    const id = fault.id ?? crypto.randomUUID();
    this.#faults.set(id, fault);
    this.#uses.set(id, 0);
    this.changed.fire();
    return id;
  }

  /** Lifts one fault, or all. */
  lift(id?: string): void {
    if (id === undefined) this.#faults.clear();
    else this.#faults.delete(id);
    this.changed.fire();
  }

  /** The faults in force with how often each was used. */
  list(): { readonly id: string; readonly fault: Fault; readonly uses: number }[] {
    return [...this.#faults].map(([id, fault]) => ({ id, fault, uses: this.#uses.get(id) ?? 0 }));
  }

  /** True while connections like this one neither read nor answer. */
  freezes(subject: FaultSubject): boolean {
    return this.#find("freeze", subject) !== undefined;
  }

  /** True while feeds like this one send nothing. */
  stalls(subject: FaultSubject): boolean {
    return this.#find("stall", subject) !== undefined;
  }

  /** True while feeds like this one send every row twice. */
  repeats(subject: FaultSubject): boolean {
    return this.#find("repeat", subject) !== undefined;
  }

  /** True while the values of feeds like this one end in their middle. */
  malforms(subject: FaultSubject): boolean {
    return this.#find("malform", subject) !== undefined;
  }

  /** The share of keys (0 to 1) that come again now; `use` when there were some. */
  rewindOf(
    subject: FaultSubject,
  ): { readonly share: number; readonly least: number; use(): void } | undefined {
    const found = this.#find("rewind", subject);
    if (found === undefined) return undefined;
    const [id, { share = 0.5, times = 1, least = 1 }] = found;
    return { share, least, use: () => this.#use(id, times) };
  }

  /** The failure of a feed that has sent so many rows; asking uses it up. */
  takeFailure(subject: FaultSubject): { readonly error: SqlError; readonly afterRows: number } | undefined {
    const found = this.#find("fail", subject);
    if (found === undefined) return undefined;
    const [id, { code, message, afterRows = 0 }] = found;
    this.#use(id, 1);
    return { error: new SqlError(code, message), afterRows };
  }

  /** How a statement fails; asking uses it up. */
  takeStatement(
    subject: FaultSubject,
    sql: string,
  ): { readonly error: SqlError; readonly effect: string } | undefined {
    const found = this.#find("statement", subject, sql);
    if (found === undefined) return undefined;
    const [id, { code = "XXUUU", message = "injected failure", effect = "before", times }] = found;
    this.#use(id, times);
    return { error: new SqlError(code, message), effect };
  }

  /** Milliseconds that a statement's answer is kept back. */
  delayOf(subject: FaultSubject, sql: string): number {
    return this.#find("delay", subject, sql)?.[1].milliseconds ?? 0;
  }

  #find<Kind extends Fault["kind"]>(
    kind: Kind,
    subject: FaultSubject,
    sql?: string,
  ): [string, FaultOf<Kind>] | undefined {
    for (const [id, fault] of this.#faults) {
      if (fault.kind === kind && hits(fault, subject, sql)) return [id, fault as FaultOf<Kind>];
    }
    return undefined;
  }

  #use(id: string, times: number | undefined): void {
    const uses = (this.#uses.get(id) ?? 0) + 1;
    this.#uses.set(id, uses);
    if (times !== undefined && uses >= times) {
      this.#faults.delete(id);
      this.changed.fire();
    }
  }
}

function hits(fault: Fault, subject: FaultSubject, sql: string | undefined): boolean {
  if (fault.application !== undefined && fault.application !== subject.application) return false;
  if (fault.node !== undefined && fault.node !== subject.node) return false;
  if (fault.table !== undefined && !(sql?.includes(fault.table) ?? subject.tables.includes(fault.table))) {
    return false;
  }
  return !("match" in fault) || fault.match === undefined || new RegExp(fault.match, "i").test(sql ?? "");
}

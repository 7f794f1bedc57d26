/** What a piece of SQL text is. */
export type TokenKind = "word" | "quoted" | "string" | "number" | "symbol" | "space";

/** A piece of SQL text; the texts of all tokens joined are the whole. */
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

const PATTERNS: readonly (readonly [TokenKind, RegExp])[] = [
  ["space", /\s+|--[^\n]*|\/\*[\s\S]*?\*\//y],
  ["string", /[eE]'(?:[^'\\]|\\[\s\S]|'')*'|[bBxX]?'(?:[^']|'')*'|\$([A-Za-z_]*)\$[\s\S]*?\$\1\$/y],
  ["quoted", /"(?:[^"]|"")*"/y],
  ["word", /[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*/y],
  ["number", /\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+|\$\d+/y],
  ["symbol", /::|[<>=!|&@#~^?*/%+:-]+?(?=[^<>=!|&@#~^?*/%+:-]|$)|[\s\S]/y],
];

/** Cuts SQL into tokens; every text comes through, whatever it is. */
export function tokenize(sql: string): Token[] {
  const tokens: Token[] = [];
  let offset = 0;
  while (offset < sql.length) {
    const token = tokenAt(sql, offset);
    tokens.push(token);
    offset += token.text.length;
  }
  return tokens;
}

function tokenAt(sql: string, offset: number): Token {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = offset;
    const text = pattern.exec(sql)?.[0];
    if (text !== undefined && text !== "") return { kind, text };
  }
  return { kind: "symbol", text: sql[offset]! };
}

/** The statements of a text, cut at semicolons; empty ones are left out. */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let current: Token[] = [];
  for (const token of [...tokenize(sql), { kind: "symbol", text: ";" } as const]) {
    if (token.text !== ";") {
      current.push(token);
      continue;
    }
    if (current.some(({ kind }) => kind !== "space")) statements.push(joined(current).trim());
    current = [];
  }
  return statements;
}

/** The text of tokens. */
export function joined(tokens: readonly Token[]): string {
  return tokens.map(({ text }) => text).join("");
}

/** Reads tokens one after the other, without spaces and comments. */
export class TokenReader {
  readonly #tokens: readonly (Token & { readonly offset: number })[];
  readonly #length: number;
  #index = 0;

  constructor(sql: string) {
    let offset = 0;
    const placed = tokenize(sql).map((token) => {
      const start = offset;
      offset += token.text.length;
      return { ...token, offset: start };
    });
    this.#tokens = placed.filter(({ kind }) => kind !== "space");
    this.#length = sql.length;
  }

  /** Where the next token begins. */
  get offset(): number {
    return this.#tokens[this.#index]?.offset ?? this.#length;
  }

  /** True when nothing is left. */
  get done(): boolean {
    return this.#index >= this.#tokens.length;
  }

  /** The next token, which stays. */
  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#index + ahead];
  }

  /** The next token. */
  next(): Token | undefined {
    return this.#tokens[this.#index++];
  }

  /** Takes these words or symbols when all of them come next, in any case. */
  accept(...words: readonly string[]): boolean {
    const found = words.every((word, ahead) => {
      const token = this.peek(ahead);
      return token !== undefined && token.kind !== "quoted" && token.kind !== "string" &&
        token.text.toLowerCase() === word.toLowerCase();
    });
    if (found) this.#index += words.length;
    return found;
  }

  /** Takes an identifier: unquoted ones in lower case, quoted ones as they are; `undefined` when there is none. */
  identifier(): string | undefined {
    const token = this.peek();
    if (token === undefined || (token.kind !== "word" && token.kind !== "quoted")) return undefined;
    this.#index++;
    return identifierOf(token);
  }

  /** Takes `a.b.c`. */
  path(): string[] {
    const parts: string[] = [];
    do {
      const part = this.identifier();
      if (part === undefined) break;
      parts.push(part);
    } while (this.accept("."));
    return parts;
  }

  /** Takes a value: a string without its quotes, anything else as it is. */
  value(): string | undefined {
    const sign = this.accept("-") ? "-" : "";
    const token = this.next();
    if (token === undefined) return undefined;
    return sign + (token.kind === "string" ? stringOf(token.text) : token.text);
  }
}

/** The name that an identifier token stands for. */
export function identifierOf({ kind, text }: Token): string {
  return kind === "quoted" ? text.slice(1, -1).replaceAll('""', '"') : text.toLowerCase();
}

/** The value of a string literal without escapes beyond doubled quotes. */
export function stringOf(literal: string): string {
  return literal.slice(literal.indexOf("'") + 1, -1).replaceAll("''", "'");
}

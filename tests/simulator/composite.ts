/** The fields of a row as the engine prints it, `(1,"a ""b""",)`; `null` for NULL. */
export function parseComposite(text: string): (string | null)[] {
  const fields: (string | null)[] = [];
  let i = 1;
  for (;;) {
    const [field, end] = readField(text, i);
    fields.push(field);
    if (text[end] !== ",") return fields;
    i = end + 1;
  }
}

function readField(text: string, start: number): [string | null, number] {
  let i = start;
  if (text[i] === "," || text[i] === ")") return [null, i];
  let field = "";
  let quoted = false;
  for (;; i++) {
    const char = text[i]!;
    if (char === "\\") field += text[++i]!;
    else if (char === '"' && quoted && text[i + 1] === '"') field += text[++i]!;
    else if (char === '"') quoted = !quoted;
    else if (!quoted && (char === "," || char === ")")) return [field, i];
    else field += char;
  }
}

/** An array as the engine prints it: `{1,NULL,"a\"b"}`. */
export type ArrayItem = string | null | readonly ArrayItem[];

/** The items of an array as the engine prints it. */
export function parseArray(text: string): ArrayItem[] {
  let i = text.indexOf("{");
  const read = (): ArrayItem[] => {
    const items: ArrayItem[] = [];
    i++;
    while (text[i] !== "}") {
      if (text[i] === ",") i++;
      if (text[i] === "{") items.push(read());
      else items.push(text[i] === '"' ? readQuoted() : readPlain());
    }
    i++;
    return items;
  };
  const readQuoted = (): string => {
    let item = "";
    for (i++; text[i] !== '"'; i++) item += text[i] === "\\" ? text[++i]! : text[i]!;
    i++;
    return item;
  };
  const readPlain = (): string | null => {
    const start = i;
    while (text[i] !== "," && text[i] !== "}") i++;
    const item = text.slice(start, i);
    return item === "NULL" ? null : item;
  };
  return read();
}

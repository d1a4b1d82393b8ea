/**
 * Where values stand in a JSON text. Works without recursion, so that no nesting is too deep, and expects text
 * that JSON.parse has accepted.
 */
export interface Scalar {
  /** Start of the literal, its quotes included. */
  readonly start: number;
  readonly end: number;
  /** The value; objects and lists are not scalars. */
  readonly value: string | number | boolean | null;
  readonly parent: Container;
}

export interface Container {
  readonly isList: boolean;
  readonly parent: Container | undefined;
  /** Its name in its parent object; '' in a list or at the top. */
  readonly name: string;
  /** Scalars of an object by name. When a name is repeated, all of them. */
  readonly scalars: { readonly name: string; readonly scalar: Scalar }[];
  readonly children: Container[];
}

const TOKEN = /\s*(?:([{[\]},:])|("(?:[^"\\]|\\.)*")|([^\s{}[\],:"]+))/gy;

/** The tree of a JSON text; undefined when the text is a lone scalar. Throws SyntaxError when it is no JSON. */
export function spansOf(text: string): Container | undefined {
  TOKEN.lastIndex = 0;
  let top: Container | undefined;
  let current: Container | undefined;
  let name: string | undefined;
  for (let token = TOKEN.exec(text); token !== null; token = TOKEN.exec(text)) {
    const [, mark, string, word] = token;
    if (mark === '{' || mark === '[') {
      const opened: Container = {
        isList: mark === '[',
        parent: current,
        name: name ?? '',
        scalars: [],
        children: [],
      };
      current?.children.push(opened);
      top ??= opened;
      current = opened;
      name = undefined;
    } else if (mark === '}' || mark === ']') {
      current = current?.parent;
      name = undefined;
    } else if (mark === ',') {
      name = undefined;
    } else if (mark === undefined && current !== undefined) {
      const literal = (string ?? word) as string;
      const value = JSON.parse(literal) as Scalar['value'];
      if (!current.isList && name === undefined) name = String(value);
      else {
        const end = TOKEN.lastIndex;
        const scalar = { start: end - literal.length, end, value, parent: current };
        current.scalars.push({ name: name ?? '', scalar });
      }
    }
  }
  return top;
}

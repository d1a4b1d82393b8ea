/** Hurting JSON: in its values, and in its text. Each change is a small value, so that fast-check can take it away. */
import fc from 'fast-check';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Names that every object seems to have. */
const INHERITED = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', 'then'];

/** Stands for nesting too deep to be an object here: `inText` makes brackets of it. */
const deep = (depth: number): string => `@deep ${depth}@`;
const DEEP = /"@deep (\d+)@"/g;

/** Values that programs stumble over. */
export const nasty: fc.Arbitrary<Json> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<Json>(null, true, false, 0, -0, -1, 0.1, 1e308, -1e308, 5e-324) },
  { weight: 3, arbitrary: fc.constantFrom<Json>(2 ** 31, 2 ** 32, 2 ** 53, 2 ** 63, -(2 ** 53) - 2) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Json>('', ' ', '\u0000', '\ud800', '\udfff\ud800', '\u202e', '\ufeff'),
  },
  { weight: 3, arbitrary: fc.constantFrom<Json>(...INHERITED) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Json>('1e999', 'NaN', '-1', '1970-01-01T00:00:00Z', '+275760-09-13T00:00:00Z'),
  },
  { weight: 2, arbitrary: fc.constantFrom<Json>([], {}, [[]], [null], { '': null }) },
  { weight: 1, arbitrary: fc.constantFrom(300, 20_000, 100_000).map((length) => 'x'.repeat(length)) },
  { weight: 1, arbitrary: fc.constantFrom(50, 5_000, 60_000).map(deep) },
  { weight: 4, arbitrary: fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json> },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
);

export interface Change {
  /** Which place of the tree, counted round. */
  readonly at: number;
  readonly how: 'replace' | 'remove' | 'add' | 'repeat' | 'wrap';
  readonly value: Json;
  readonly name: string;
}

export const changes: fc.Arbitrary<Change> = fc.record({
  at: fc.nat({ max: 200 }),
  how: fc.constantFrom('replace', 'replace', 'replace', 'remove', 'remove', 'add', 'repeat', 'wrap'),
  value: nasty,
  name: fc.oneof(fc.constantFrom(...INHERITED), fc.constantFrom('', 'extra', 'customData'), fc.string()),
});

type Place =
  | { readonly holder: Json[]; readonly key: number }
  | { readonly holder: Record<string, Json>; readonly key: string };

function placesIn(value: Json, found: Place[] = []): Place[] {
  if (Array.isArray(value))
    value.forEach((inner, key) => {
      found.push({ holder: value, key });
      placesIn(inner, found);
    });
  else if (typeof value === 'object' && value !== null)
    for (const [key, inner] of Object.entries(value)) {
      found.push({ holder: value, key });
      placesIn(inner, found);
    }
  return found;
}

/** An own property whatever its name is. */
const put = (holder: Record<string, Json>, name: string, value: Json): unknown =>
  Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true });

/** Changes a copy. */
export function mutated(value: Json, list: readonly Change[]): Json {
  const root: Json[] = [structuredClone(value)];
  for (const { at, how, value: given, name } of list) {
    // Of its own: what is put in twice must not be changed in both places, or hold itself.
    const poison = structuredClone(given);
    const places = placesIn(root);
    const place = places[at % places.length];
    if (place === undefined) continue;
    const holder = place.holder as Record<string | number, Json>;
    const old = holder[place.key] as Json;
    switch (how) {
      case 'replace':
        holder[place.key] = poison;
        break;
      case 'remove':
        if (Array.isArray(place.holder)) {
          if (place.holder !== root) place.holder.splice(place.key as number, 1);
        } else delete holder[place.key];
        break;
      case 'add':
        if (typeof old === 'object' && old !== null && !Array.isArray(old)) put(old, name, poison);
        else if (Array.isArray(old)) old.push(poison);
        break;
      case 'repeat':
        // Kept small enough to fit a frame whatever is repeated.
        if (Array.isArray(old) && JSON.stringify(old).length < 2_000)
          old.push(...Array.from({ length: 100 }, () => structuredClone(old[0] ?? null)));
        break;
      case 'wrap':
        holder[place.key] = [old];
    }
  }
  return root[0] as Json;
}

export interface TextChange {
  readonly at: number;
  readonly how: 'cut' | 'insert' | 'number' | 'twice' | 'space';
  readonly text: string;
}

export const textChanges: fc.Arbitrary<TextChange> = fc.record({
  at: fc.nat({ max: 5_000 }),
  how: fc.constantFrom('cut', 'insert', 'insert', 'number', 'twice', 'space'),
  text: fc.constantFrom(
    ',',
    ']',
    '}',
    '"',
    '\\',
    '\\u12',
    '\u0000',
    'NaN',
    '1e999',
    '-',
    '\ufeff',
    '/*',
    '\ud83d\ude00',
  ),
});

/** The text of a value, with the nesting that its placeholders stand for. */
export const textOf = (value: Json): string =>
  JSON.stringify(value).replace(DEEP, (_, depth) => '['.repeat(Number(depth)) + ']'.repeat(Number(depth)));

export function hurtText(text: string, list: readonly TextChange[]): string {
  let hurt = text;
  for (const { at, how, text: more } of list) {
    const place = hurt.length === 0 ? 0 : at % hurt.length;
    switch (how) {
      case 'cut':
        hurt = hurt.slice(0, place);
        break;
      case 'insert':
        hurt = hurt.slice(0, place) + more + hurt.slice(place);
        break;
      case 'number':
        hurt = hurt.replace(/(?<=[:,])-?\d+(\.\d+)?/, '1e999');
        break;
      case 'twice':
        hurt = hurt.replace(/"[^"\\]*":[^,{}[\]]*/, '$&,$&');
        break;
      case 'space':
        hurt = ` \n\t${hurt.replaceAll(',', ' , ')}\r\n `;
    }
  }
  return hurt;
}

/**
 * ClickHouse's lexical grammar (src/Parsers/Lexer.cpp), as far as finding clauses needs it. Texts are handled
 * as latin1 strings, one character per byte, so that offsets are byte offsets and binary data behind an
 * INSERT survives.
 */

export type TokenKind = 'word' | 'quoted' | 'string' | 'number' | 'semicolon' | 'open' | 'close' | 'other';

export interface Token {
  readonly kind: TokenKind;
  /** As written. */
  readonly text: string;
  /** `text` in upper case for words, else ''. */
  readonly word: string;
  readonly start: number;
  readonly end: number;
  /** Brackets of any kind that are open before this token. */
  readonly depth: number;
}

const WORD = /[A-Za-z_\x80-\xff][A-Za-z0-9_$\x80-\xff]*/y;
const NUMBER = /[0-9](?:[0-9A-Za-z_.]|(?<=[eEpP])[+-])*/y;
const SKIPPED = /(?:[\s\0]|--[^\n]*|#[ !][^\n]*|\/\*[\s\S]*?\*\/)+/y;
const HEREDOC = /\$[A-Za-z0-9_]*\$/y;

const matchAt = (pattern: RegExp, text: string, at: number): string | undefined => {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
};

/** Offset behind the closing quote; the text's length when it never closes. */
function endOfQuoted(text: string, start: number): number {
  const quote = text[start];
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === quote) {
      if (text[at + 1] !== quote) return at + 1;
      at++;
    }
  }
  return text.length;
}

/** The tokens of `text` from `from` on, lazily: callers stop where binary data may begin. */
export function* tokens(text: string, from = 0): Generator<Token> {
  let depth = 0;
  for (let at = from; at < text.length; ) {
    const skipped = matchAt(SKIPPED, text, at);
    if (skipped !== undefined) {
      at += skipped.length;
      continue;
    }
    const character = text[at]!;
    let kind: TokenKind = 'other';
    let end = at + 1;
    const before = depth;
    if (character === "'") [kind, end] = ['string', endOfQuoted(text, at)];
    else if (character === '"' || character === '`') [kind, end] = ['quoted', endOfQuoted(text, at)];
    else if (character === ';') kind = 'semicolon';
    else if ('([{'.includes(character)) {
      kind = 'open';
      depth++;
    } else if (')]}'.includes(character)) {
      kind = 'close';
      depth--;
    } else if (character === '$') {
      const tag = matchAt(HEREDOC, text, at);
      if (tag !== undefined) {
        const close = text.indexOf(tag, at + tag.length);
        [kind, end] = ['string', close < 0 ? text.length : close + tag.length];
      }
    } else {
      const word = matchAt(WORD, text, at);
      const number = word === undefined ? matchAt(NUMBER, text, at) : undefined;
      if (word !== undefined) [kind, end] = ['word', at + word.length];
      else if (number !== undefined) [kind, end] = ['number', at + number.length];
    }
    const raw = text.slice(at, end);
    yield {
      kind,
      text: raw,
      word: kind === 'word' ? raw.toUpperCase() : '',
      start: at,
      end,
      depth: kind === 'close' ? depth : before,
    };
    at = end;
  }
}

/** A ClickHouse string literal. */
export const literal = (value: string): string =>
  `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/** A quoted identifier. */
export const identifier = (name: string): string =>
  `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;

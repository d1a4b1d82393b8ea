/**
 * Cuts a migration into statements at `;`, and at nothing that only looks like one: ClickHouse's HTTP
 * interface takes one statement per request.
 */

/** What hides a semicolon, by its opening; where it ends is found by `closing`. */
const OPENINGS = /--|\/\*|#!|# |'|"|`|\$\w*\$|;/g;

/** Position after the stretch that `opening` at `from` begins. An unterminated stretch reaches the end. */
function closing(text: string, opening: string, from: number): number {
  const after = from + opening.length;
  const until = (end: string, start: number): number => {
    const at = text.indexOf(end, start);
    return at === -1 ? text.length : at + end.length;
  };
  switch (opening[0]) {
    case '-':
    case '#':
      return until('\n', after);
    case '/':
      return until('*/', after);
    case '$':
      return until(opening, after);
    default:
      // Quotes: doubled or after a backslash they belong to the text.
      for (let at = after; at < text.length; at++) {
        if (text[at] === '\\') at++;
        else if (text[at] === opening) {
          if (text[at + 1] !== opening) return at + 1;
          at++;
        }
      }
      return text.length;
  }
}

/** The statements in order, trimmed, comments kept (they help in the server's query log); empty ones left out. */
export function splitStatements(text: string): string[] {
  const statements: string[] = [];
  let begin = 0;
  let hasCode = false;
  let seen = 0;
  const take = (end: number) => {
    if (hasCode) statements.push(text.slice(begin, end).trim());
    begin = end + 1;
    hasCode = false;
  };
  const code = (from: number, to: number) => {
    hasCode ||= text.slice(from, to).trim() !== '';
  };
  OPENINGS.lastIndex = 0;
  for (let match = OPENINGS.exec(text); match !== null; match = OPENINGS.exec(text)) {
    code(seen, match.index);
    if (match[0] === ';') {
      take(match.index);
      seen = match.index + 1;
    } else {
      const comment = /^(--|\/|#)/.test(match[0]);
      seen = closing(text, match[0], match.index);
      if (!comment) hasCode = true;
      OPENINGS.lastIndex = seen;
    }
  }
  code(seen, text.length);
  take(text.length);
  return statements;
}

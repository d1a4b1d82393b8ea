import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { splitStatements } from './statements.js';

describe('a migration is cut at semicolons', () => {
  test('and nowhere else', () => {
    expect(splitStatements('SELECT 1; SELECT 2 ;\n\nSELECT 3')).toEqual(['SELECT 1', 'SELECT 2', 'SELECT 3']);
  });

  test.each([
    ['a string', "SELECT 'a;b'"],
    ['a doubled quote', "SELECT 'it''s; fine'"],
    ['an escaped quote', "SELECT 'it\\'s; fine'"],
    ['a backslash before the closing quote', "SELECT 'c:\\\\'"],
    ['a quoted name', 'SELECT `a;b`, "c;d"'],
    ['a line comment', 'SELECT 1 -- not; here\n+ 1'],
    ['a hash comment', 'SELECT 1 # not; here\n+ 1'],
    ['a block comment', 'SELECT /* not; here */ 1'],
    ['a quote inside a comment', "SELECT 1 -- it's; open\n+ 1"],
    ['a comment sign inside a string', "SELECT '--', '/*', ';'"],
    ['a here-document', 'SELECT $sql$ a; b $sql$'],
  ])('%s hides them', (_, text) => {
    expect(splitStatements(`${text}; SELECT 2`)).toEqual([text, 'SELECT 2']);
  });

  test('what is only comment or white space is no statement', () => {
    expect(splitStatements('-- heading;\n;; /* nothing */ ;\n')).toEqual([]);
  });

  test('comments before a statement stay with it', () => {
    expect(splitStatements('-- why\nSELECT 1;')).toEqual(['-- why\nSELECT 1']);
  });

  test('an unterminated string reaches the end and is left to the server to refuse', () => {
    expect(splitStatements("SELECT 'a; SELECT 2")).toEqual(["SELECT 'a; SELECT 2"]);
  });

  test('whatever the text, no character of code is lost', () => {
    const piece = fc.constantFrom("'", '"', '`', '--', '/*', '*/', ';', '\n', '\\', '$a$', '# ', 'x', ' ');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = pieces.join('');
        let from = 0;
        for (const statement of splitStatements(text)) {
          const at = text.indexOf(statement, from);
          expect(at).toBeGreaterThanOrEqual(from);
          from = at + statement.length;
        }
      }),
    );
  });
});

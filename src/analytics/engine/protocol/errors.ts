/** ClickHouse's exceptions as HTTP carries them: `Code: N. DB::Exception: text (NAME)` and a status. */

/** The codes this front raises by itself; the rest come from the engine. */
export const CODES = {
  NOT_IMPLEMENTED: 48,
  UNEXPECTED_AST_STRUCTURE: 223,
  SYNTAX_ERROR: 62,
  BAD_ARGUMENTS: 36,
  UNKNOWN_TYPE_OF_QUERY: 78,
  READONLY: 164,
  TOO_MANY_SIMULTANEOUS_QUERIES: 202,
  QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING: 216,
  INTO_OUTFILE_NOT_ALLOWED: 358,
  SESSION_NOT_FOUND: 372,
  SESSION_IS_LOCKED: 373,
  INVALID_SESSION_TIMEOUT: 374,
  QUERY_WAS_CANCELLED: 394,
  UNKNOWN_QUERY_PARAMETER: 456,
  ACCESS_DENIED: 497,
  AUTHENTICATION_FAILED: 516,
  CANNOT_DECOMPRESS: 271,
  TOO_LARGE_STRING_SIZE: 131,
} as const;

export class ClickHouseException extends Error {
  override readonly name = 'ClickHouseException';
  constructor(
    readonly code: number,
    /** The whole body: `Code: 62. DB::Exception: ... (SYNTAX_ERROR)`. */
    readonly body: string,
  ) {
    super(body);
  }

  static of(name: keyof typeof CODES, text: string): ClickHouseException {
    const code = CODES[name];
    return new ClickHouseException(code, `Code: ${code}. DB::Exception: ${text} (${name})`);
  }
}

/** What the engine threw, as an exception. `version` is appended as a server does, once. */
export function fromEngine(thrown: unknown, version: string): ClickHouseException {
  if (thrown instanceof ClickHouseException) return thrown;
  const raw = thrown instanceof Error ? thrown.message : String(thrown);
  const text = raw
    .replace(/^Query failed: /, '')
    .replace(/^(Code: \d+\. DB::Exception: )\1/, '$1')
    .replace(/( \(version [^)]*\))\. \([A-Z0-9_]+\)$/, '$1');
  const code = /^Code: (\d+)\./.exec(text);
  // 1001 is ClickHouse's own code for an exception that is none of its own (STD_EXCEPTION).
  if (code === null)
    return new ClickHouseException(1001, `Code: 1001. DB::Exception: ${text} (STD_EXCEPTION)`);
  const versioned = text.includes('(version ') ? text : `${text} (version ${version} (embedded))`;
  return new ClickHouseException(Number(code[1]), versioned);
}

/**
 * Status by exception code, after exceptionCodeToHTTPStatus of the server's HTTP handler. Anything else is 500.
 */
const STATUS: Readonly<Record<number, readonly number[]>> = {
  400: [
    6, 25, 26, 27, 36, 38, 41, 43, 44, 53, 62, 72, 117, 131, 168, 223, 271, 321, 374, 427, 456,
    // UNKNOWN_ELEMENT_IN_AST, UNKNOWN_TYPE_OF_AST_NODE, TOO_BIG_AST
    133, 136, 167,
  ],
  403: [192, 193, 497, 516],
  401: [194],
  404: [46, 47, 50, 51, 56, 60, 63, 73, 78, 81, 115, 336, 372],
  408: [159],
  409: [373],
  411: [381],
  429: [202],
  501: [48],
  503: [76, 209, 439],
};
const statusByCode = new Map(
  Object.entries(STATUS).flatMap(([status, codes]) => codes.map((code) => [code, Number(status)] as const)),
);

export const httpStatus = (code: number): number => statusByCode.get(code) ?? 500;

/**
 * A file that somebody has sent, as lines of cells: comma, semicolon or tab between them (Excel in much of Europe writes
 * semicolons), any end of line, with or without a byte order mark. Pulled chunk by chunk: only the bytes lie in memory.
 */
import { pipeline, Readable } from 'node:stream';
import { CsvError, type Info, parse } from 'csv-parse';
import { WattstreamError } from '../../../platform/errors.js';

export interface CsvFile {
  readonly chunks: readonly Buffer[];
  /** Of the media type; it can be read as often as one likes. */
  readonly charset?: string | undefined;
}

export interface Line {
  /** Where it begins, as an editor counts. A spreadsheet counts rows: the same as long as no cell has a line break. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** A cell that is longer is a quote that was never closed. */
const LONGEST_LINE = 1024 * 1024;
/** Enough for any header. */
const HEADER_BYTES = 64 * 1024;

/** Throws REQUEST_INVALID where the bytes are no text or the text is no CSV. Empty lines are passed over. */
export async function* linesOf(file: CsvFile): AsyncGenerator<Line> {
  const charset = charsetOf(file);
  const parser = parse({
    delimiter: separatorOf(file, charset),
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    info: true,
    max_record_size: LONGEST_LINE,
  });
  // What goes wrong upstream comes out of the parser.
  pipeline(Readable.from(textOf(file, charset)), parser, () => {});
  let before = 0;
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: Info }>) {
      const line = before + 1;
      before = info.lines;
      if (record.some((cell) => cell !== '')) yield { line, cells: record };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new WattstreamError('REQUEST_INVALID', `This is no CSV. ${error.message}.`, {
      cause: error,
    });
  }
}

/** A byte order mark outdoes what the sender says of it. */
function charsetOf({ chunks, charset = 'utf-8' }: CsvFile): string {
  const head = Buffer.concat(chunks.slice(0, 4)).subarray(0, 3).toString('hex');
  if (head.startsWith('fffe')) return 'utf-16le';
  if (head.startsWith('efbbbf')) return 'utf-8';
  try {
    return new TextDecoder(charset).encoding;
  } catch (error) {
    throw new WattstreamError('REQUEST_INVALID', `No charset '${charset}' is known here.`, { cause: error });
  }
}

function* textOf({ chunks }: CsvFile, charset: string): Generator<string> {
  const decoder = new TextDecoder(charset, { fatal: true });
  try {
    for (const chunk of chunks) yield decoder.decode(chunk, { stream: true });
    yield decoder.decode();
  } catch (error) {
    throw new WattstreamError('REQUEST_INVALID', `The file is not ${charset}.`, {
      remedy: 'Save it as "CSV UTF-8", or send its charset: Content-Type: text/csv; charset=windows-1252.',
      cause: error,
    });
  }
}

/** Names of columns have none of them, so what the header has most is it. */
function separatorOf({ chunks }: CsvFile, charset: string): string {
  const head: Buffer[] = [];
  for (let bytes = 0, at = 0; bytes < HEADER_BYTES && at < chunks.length; at++) {
    head.push(chunks[at] as Buffer);
    bytes += chunks[at]?.length ?? 0;
  }
  const text = new TextDecoder(charset).decode(Buffer.concat(head).subarray(0, HEADER_BYTES));
  const header = text.trimStart().split(/[\r\n]/, 1)[0] ?? '';
  const count = (separator: string): number => header.split(separator).length;
  return [',', ';', '\t'].sort((a, b) => count(b) - count(a))[0] as string;
}

/** What became of an import, written while it goes on: as JSON, or as a file beside the one that was sent. */
import { z } from 'zod';
import { csvLines, type Separator } from '../csv.js';
import type { ImportResult } from './import.js';

export const importTotals = z.object({
  created: z.int(),
  updated: z.int(),
  unchanged: z.int(),
  failed: z.int(),
});

export async function* asJsonReport(
  results: AsyncIterable<ImportResult>,
  dryRun: boolean,
): AsyncGenerator<string> {
  const totals = { created: 0, updated: 0, unchanged: 0, failed: 0 };
  yield `{"dryRun":${dryRun},"results":[`;
  let separator = '\n';
  for await (const result of results) {
    totals[result.outcome] += 1;
    yield separator + JSON.stringify(result);
    separator = ',\n';
  }
  yield `\n],"totals":${JSON.stringify(totals)}}\n`;
}

const COLUMNS = ['line', 'id', 'outcome', 'version', 'code', 'column', 'field', 'detail'];

export async function* asCsvReport(
  results: AsyncIterable<ImportResult>,
  separator: Separator,
): AsyncGenerator<string> {
  yield `\ufeff${csvLines([COLUMNS], separator)}`;
  for await (const { index, line, id, outcome, version, code, detail, errors } of results) {
    const wrong = errors ?? [{ field: '', message: detail }];
    yield csvLines(
      wrong.map((one) => [
        ('line' in one ? one.line : undefined) ?? line ?? index,
        id,
        outcome,
        version,
        code,
        'column' in one ? one.column : '',
        one.field,
        one.message,
      ]),
      separator,
    );
  }
}

import { Command, InvalidArgumentError } from 'commander';
import { QUERIES } from '../../analytics/queries/registry.js';
import { type Context, withQueries } from '../context.js';
import { csvOption, type Form, jsonOption, present, type Row } from '../present.js';
import { table } from '../table.js';

const collect = (pair: string, before: Record<string, string> = {}): Record<string, string> => {
  const at = pair.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('A parameter is written name=value.');
  return { ...before, [pair.slice(0, at)]: pair.slice(at + 1) };
};

const cell = (value: unknown): string =>
  value === null || value === undefined
    ? ''
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value);

export const askCommand = (context: Context): Command =>
  new Command('ask')
    .description('Any of the named questions; without a name, what there is.')
    .argument('[question]', 'its name')
    .argument('[parameters...]', 'name=value, as under /api/analytics/queries', (pair, before) =>
      collect(pair, before as unknown as Record<string, string>),
    )
    .addOption(jsonOption())
    .addOption(csvOption())
    .action(async (question: string | undefined, params: Record<string, string> | [], form: Form) => {
      if (question === undefined) {
        const columns = [
          { title: 'Question', of: (row: Row) => row.name },
          { title: 'Answers', of: (row: Row) => row.title },
          { title: 'Parameters', of: (row: Row) => Object.keys(row.params.shape).join(', ') },
        ];
        context.out(table(columns, QUERIES, 'None.'));
        return;
      }
      await withQueries(context, async (queries) => {
        const answer = await queries.ask(question, { ...params });
        const columns = answer.columns.map(({ name, type }) => ({
          title: name,
          of: (row: Row) => cell(row[name]),
          ...(/Int|Decimal|Float/.test(type) && !type.startsWith('Array') ? { align: 'right' as const } : {}),
        }));
        context.out(present(answer, form, columns, 'No rows.'));
      });
    });

/** Stations, points, tariffs and the rest as files: the API's own import and export, from the machine itself. */
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { Argument, Command, Option } from 'commander';
import type { CsvFile } from '../../api/cms/csv/file.js';
import { templateLines } from '../../api/cms/csv/lines.js';
import { exportCsv, exportJson, liveOf } from '../../api/cms/export.js';
import { type ImportResult, importAll, SIDE_BY_SIDE } from '../../api/cms/import.js';
import { itemsIn } from '../../api/cms/import-source.js';
import { RESOURCES, type Resource } from '../../api/cms/resources.js';
import { Scope } from '../../api/cms/scope.js';
import { SEPARATORS } from '../../api/csv.js';
import { WattstreamError } from '../../platform/errors.js';
import { Rehearsal } from '../../registry/rehearsal.js';
import type { Context } from '../context.js';
import { whoAmI, withRegistry } from '../registry.js';
import { type Column, table } from '../table.js';

interface ExportOptions {
  readonly format: 'csv' | 'json';
  readonly separator: keyof typeof SEPARATORS;
  readonly output?: string;
}
interface ImportOptions {
  readonly format?: 'csv' | 'json';
  readonly charset?: string;
  readonly dryRun?: boolean;
  readonly matchVersions?: boolean;
  readonly actor?: string;
  readonly json?: boolean;
}

const kind = () =>
  new Argument('<kind>', 'what').choices(RESOURCES.map(({ path }) => path)).argParser((path: string) => {
    const found = RESOURCES.find((one) => one.path === path);
    if (found === undefined)
      throw new WattstreamError('KIND_UNKNOWN', `There are no '${path}'.`, {
        remedy: `There are: ${RESOURCES.map((one) => one.path).join(', ')}.`,
      });
    return found;
  });
const format = () => new Option('--format <form>', 'csv or json').choices(['csv', 'json']);
const separator = () =>
  new Option('--separator <name>', 'between cells: comma, semicolon (Excel in much of Europe) or tab')
    .choices(Object.keys(SEPARATORS))
    .default('comma');

/** For who may speak to the broker: that is more than any account may. */
export function cmsCommand(context: Context): Command {
  const group = new Command('cms').description(
    'Stations, points, tariffs, tokens, accounts and outages as files.',
  );
  group.addCommand(
    new Command('export')
      .description('All of a kind, without secrets, as it can be imported.')
      .addArgument(kind())
      .addOption(format().default('csv'))
      .addOption(separator())
      .option('-o, --output <file>', 'there, instead of on standard output')
      .action((resource: Resource, { format: form, separator: between, output }: ExportOptions) =>
        withRegistry(context.env, async (store) => {
          const all = liveOf(store, resource.kind);
          const texts =
            form === 'json' ? exportJson(store, all) : exportCsv(store, resource, all, SEPARATORS[between]);
          if (output !== undefined) {
            await pipeline(texts, createWriteStream(output));
            context.out(`${all.length} ${resource.path} in ${output}\n`);
          } else for await (const text of texts) context.out(text);
        }),
      ),
  );
  group.addCommand(
    new Command('template')
      .description('A file to fill in: every column there is, and an example.')
      .addArgument(kind())
      .addOption(separator())
      .action((resource: Resource, { separator: between }: Pick<ExportOptions, 'separator'>) =>
        context.out(templateLines(resource, SEPARATORS[between])),
      ),
  );
  group.addCommand(
    new Command('import')
      .description(
        'Creates or changes what a file says, line by line; exit code 1 when a line failed. Importing the same again changes nothing more.',
      )
      .addArgument(kind())
      .argument('<file>', 'CSV, or JSON when it is named *.json; - is standard input')
      .addOption(format())
      .option('--charset <name>', 'of the file, if it is not UTF-8')
      .option('--dry-run', 'says what would become of each, and changes nothing')
      .option('--match-versions', 'what says a version is changed only if it still has it')
      .option('--actor <name>', 'who did it, for the record (default: cli:<user>@<host>)')
      .option('--json', 'what became of each, one JSON object a line')
      .action((resource: Resource, file: string, options: ImportOptions) =>
        importFile(context, resource, file, options),
      ),
  );
  return group;
}

async function importFile(
  context: Context,
  resource: Resource,
  file: string,
  { format: form, charset, dryRun = false, matchVersions = false, actor, json }: ImportOptions,
): Promise<void> {
  const sent = await readFile(file, charset);
  const isJson = (form ?? (file.endsWith('.json') ? 'json' : 'csv')) === 'json';
  await withRegistry(context.env, async (store, settings) => {
    const items = await itemsIn(isJson ? parsed(sent) : sent, resource, {
      items: settings.WATTSTREAM_IMPORT_ITEMS,
    });
    const results = importAll(items, {
      resource,
      registry: dryRun
        ? new Rehearsal(store, Date.now)
        : { get: (of, id) => store.get(of, id), propose: (proposal) => store.propose(proposal) },
      scope: new Scope(resource.kind, { stations: null }, store.replica.state),
      actor: actor ?? whoAmI(),
      matchVersions,
      sideBySide: dryRun ? 1 : SIDE_BY_SIDE,
    });
    const totals = { created: 0, updated: 0, unchanged: 0, failed: 0 };
    const wrong: Wrong[] = [];
    for await (const result of results) {
      totals[result.outcome] += 1;
      if (json) context.out(`${JSON.stringify(result)}\n`);
      else if (result.outcome === 'failed') wrong.push(...wrongIn(result));
    }
    if (!json) {
      const counts = Object.entries(totals).map(([outcome, count]) => `${count} ${outcome}`);
      context.out(table(COLUMNS, wrong, '').trimStart());
      context.out(`${counts.join(', ')}${dryRun ? ': nothing was changed' : ''}\n`);
    }
    if (totals.failed > 0) context.exit(1);
  });
}

interface Wrong {
  readonly line: string;
  readonly id: string;
  readonly column: string;
  readonly message: string;
}
const COLUMNS: readonly Column<Wrong>[] = [
  { title: 'Line', of: ({ line }) => line, align: 'right' },
  { title: 'Id', of: ({ id }) => id },
  { title: 'Column', of: ({ column }) => column },
  { title: 'What is wrong', of: ({ message }) => message },
];

const wrongIn = ({ line, index, id, code, detail, errors = [] }: ImportResult): Wrong[] =>
  (errors.length > 0 ? errors : [{ field: '', message: `${detail} (${code})` }]).map((error) => ({
    line: String(('line' in error ? error.line : undefined) ?? line ?? index + 1),
    id: id ?? '',
    column: ('column' in error ? error.column : undefined) ?? error.field,
    message: error.message,
  }));

async function readFile(file: string, charset: string | undefined): Promise<CsvFile> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of file === '-' ? process.stdin : createReadStream(file))
      chunks.push(chunk as Buffer);
  } catch (cause) {
    throw new WattstreamError('FILE_UNREADABLE', `${file} cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
  return { chunks, charset };
}

function parsed({ chunks }: CsvFile): unknown {
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch (cause) {
    throw new WattstreamError('REQUEST_INVALID', 'The file is no JSON.', { cause });
  }
}

import { ClickHouseException } from '../protocol/errors.js';
import { type Token, tokens } from '../protocol/lexer.js';

/**
 * What the read-only user may ask. `readonly=1` alone is not enough in an embedded engine: scalar file() reads
 * any file of this machine, INTO OUTFILE writes one, table functions reach the network. So a statement passes
 * only if every node of its syntax tree (EXPLAIN AST, which runs nothing), every function and every system
 * table is on a list. What is not on a list, a function of a later engine included, is refused.
 */
export interface GuardLists {
  /** Lower case. */
  readonly functions: ReadonlySet<string>;
  readonly combinators: readonly string[];
}

const NODES = new Set(
  `SelectWithUnionQuery SelectIntersectExceptQuery SelectQuery ExpressionList Function Identifier Literal Subquery
  TablesInSelectQuery TablesInSelectQueryElement TableExpression TableIdentifier TableJoin ArrayJoin SampleRatio
  Asterisk QualifiedAsterisk ColumnsRegexpMatcher QualifiedColumnsRegexpMatcher ColumnsListMatcher
  QualifiedColumnsListMatcher ColumnsTransformerList ColumnsExceptTransformer ColumnsReplaceTransformer
  ColumnsReplaceTransformer::Replacement OrderByElement StorageOrderByElement WithElement InterpolateElement
  WindowDefinition WindowListElement Explain DescribeQuery ShowTables ShowColumns ShowFunctions ShowEngineQuery
  ShowIndexes ShowSettings ShowCreateTableQuery ShowCreateViewQuery ShowCreateDatabaseQuery ShowCreateDictionaryQuery
  ExistsTableQuery ExistsViewQuery ExistsDatabaseQuery`.split(/\s+/),
);

/** Categories of system.functions that compute from their arguments only. */
const CATEGORIES = new Set([
  'Aggregate Functions',
  'Arithmetic',
  'Arrays',
  'Bit',
  'Bitmap',
  'Comparison',
  'Conditional',
  'Dates and Times',
  'Decimal',
  'Distance',
  'Encoding',
  'Financial',
  'Geo',
  'Geo Polygon',
  'H3 Index',
  'S2 Index',
  'Hash',
  'IP Address',
  'JSON',
  'Logical',
  'Map',
  'Maps',
  'Mathematical',
  'Null',
  'Nullable',
  'Numeric Indexed Vector',
  'Random Number',
  'Rounding',
  'String',
  'String Replacement',
  'String Search',
  'String Splitting',
  'Strings',
  'Time Series',
  'Time Window',
  'Tuple',
  'Tuples',
  'Type Conversion',
  'ULID',
  'URL',
  'UUID',
  'Window',
]);

/** Computed from their arguments too, but filed under "Other", or table functions without an outside. */
const ALSO =
  `_cast casewithexpression casewithoutexpression getsubcolumn displayname version currentdatabase currentuser user timezone servertimezone hostname now today yesterday now64
  utctimestamp in notin globalin globalnotin nullin notnullin globalnullin globalnotnullin exists lambda tuple
  array map bar runningdifference runningaccumulate neighbor transform materialize identity totypename
  tocolumntypename isconstant ignore rownumberinblock rownumberinallblocks blocknumber greatest least
  formatreadablesize formatreadabledecimalsize formatreadablequantity formatreadabletimedelta
  finalizeaggregation initializeaggregation arrayjoin getsetting uptime isfinite isinfinite isnan ifnotfinite
  hascolumnintable defaultvalueofargumenttype defaultvalueoftypename minsamplesizecontinuous
  minsamplesizeconversion countdigits parsereadablesize parsetimedelta blockserializedsize bytesize
  numbers numbers_mt zeros zeros_mt generateseries generate_series values one null`.split(/\s+/);

/** Never, whatever category a release files them under. */
const NEVER =
  /^(file|ai|catboost|sleep|getclienthttpheader|getserverport|getmacro|getserversetting|getosk|getuserdefined|dict|joinget|executable|url$|remote|s3|hdfs|input|format$|filesystem|zookeeper|throwif|addresstoline|addresstosymbol|demangle|showcertificate|evalmlmethod|modelevaluate|decrypt|trydecrypt|encrypt|aes_|buildid|tid$|logtrace|structureto|naivebayes|detect|lemmatize|stem$|synonyms|embed|serveruuid|trap|eval|fuzz|query_?id|initial_?query|gethttp|generaterandom|generaterandomstructure)/;

/** A page of words of system.functions; `categories` as the engine files them. */
export interface EngineFunction {
  readonly name: string;
  readonly categories: string;
  readonly aggregate: boolean;
  readonly aliasOf: string;
}

export function guardLists(functions: readonly EngineFunction[], combinators: readonly string[]): GuardLists {
  const allowed = new Set(ALSO);
  const byName = new Map(functions.map((found) => [found.name.toLowerCase(), found]));
  for (const found of functions) {
    const original = found.aliasOf === '' ? found : (byName.get(found.aliasOf.toLowerCase()) ?? found);
    const filed = original.categories.split(/,\s*/).some((category) => CATEGORIES.has(category));
    const names = [found.name.toLowerCase(), original.name.toLowerCase()];
    if ((found.aggregate || filed) && !names.some((name) => NEVER.test(name))) allowed.add(names[0]!);
  }
  return {
    functions: allowed,
    combinators: combinators.map((name) => name.toLowerCase()).filter((name) => name !== ''),
  };
}

/** System tables about the schema; not those about people, secrets, the machine or other people's queries. */
const SYSTEM_TABLES = new Set(
  `one numbers numbers_mt zeros zeros_mt databases tables columns functions formats data_type_families settings
  table_functions aggregate_function_combinators time_zones keywords parts_columns parts collations completions
  table_engines database_engines view_refreshes data_skipping_indices projections contributors licenses
  build_options`.split(/\s+/),
);
const SYSTEM_DATABASES = new Set(['system', 'information_schema']);

const denied = (what: string) =>
  ClickHouseException.of('ACCESS_DENIED', `analyst: Not enough privileges. ${what}`);

/** First check, on the text: cheap, and independent of the engine's dump of the tree. */
export function checkText(sql: string, lists: GuardLists): void {
  let previous: Token | undefined;
  let first: string | undefined;
  for (const token of tokens(sql)) {
    first ??= token.kind === 'word' ? token.word : undefined;
    if (token.text === '(' && previous !== undefined) {
      // The tree does not show what stands in the WHERE or LIKE of a SHOW.
      if (first === 'SHOW') throw denied('Expressions in SHOW are not for this user.');
      const name =
        previous.kind === 'word'
          ? previous.text
          : previous.kind === 'quoted'
            ? previous.text.slice(1, -1)
            : undefined;
      if (name !== undefined && NEVER.test(name.toLowerCase()) && !knows(name, lists))
        throw denied(`The function ${name} is not for this user.`);
    }
    if (token.word === 'OUTFILE' || token.word === 'INFILE')
      throw denied('Reading or writing files is not for this user.');
    previous = token;
  }
}

/** Second check, on the tree: `lines` are those of EXPLAIN AST, unescaped. */
export function checkTree(lines: readonly string[], database: string, lists: GuardLists): void {
  for (const line of lines) {
    if (line.trim() === '') continue;
    const [, indent, node, rest = ''] = /^( *)([A-Za-z_]+(?:::[A-Za-z]+)?)(?: (.*))?$/s.exec(line) ?? [];
    if (node === undefined || !NODES.has(node))
      throw denied(`This part of a statement is not for this user: ${line.trim().slice(0, 80)}.`);
    if (node === 'Function') {
      const name = rest.split(' ')[0]!;
      if (!knows(name, lists)) throw denied(`The function ${name} is not for this user.`);
    }
    // Directly under the statement stand its FORMAT (an Identifier) and the file of INTO OUTFILE (a Literal).
    if (node === 'Literal' && indent!.length === 1) throw denied('Writing files is not for this user.');
    if (node === 'TableIdentifier') checkTable(rest.replace(/ \((alias|children) .*$/s, ''), database);
    if (/^ShowCreate|^Exists/.test(node)) {
      const [from, table] = rest.split(' ');
      if (from && table && !table.startsWith('(')) checkTable(`${from}.${table}`, database);
    }
  }
}

function checkTable(qualified: string, current: string): void {
  const dot = qualified.indexOf('.');
  const [database, table] =
    dot < 0 ? [current, qualified] : [qualified.slice(0, dot), qualified.slice(dot + 1)];
  if (database.toLowerCase() === 'system' && !SYSTEM_TABLES.has(table))
    throw denied(`The table ${qualified} is not for this user.`);
  if (table.endsWith('_rows'))
    throw denied(`The table ${qualified} is not for this user: it holds tokens. Query the view of its name.`);
}

function knows(name: string, lists: GuardLists): boolean {
  let rest = name.toLowerCase();
  // sumIf, quantileArrayIf, uniqMergeState: an aggregate with any number of combinators behind it.
  for (let stripped = true; stripped; ) {
    if (lists.functions.has(rest)) return true;
    const suffix = lists.combinators.find((combinator) => rest.endsWith(combinator) && rest !== combinator);
    stripped = suffix !== undefined;
    if (suffix !== undefined) rest = rest.slice(0, -suffix.length);
  }
  return false;
}

/** Settings a guarded user may give in the address: how results look, and lower limits. */
export function checkSettings(
  settings: ReadonlyMap<string, string>,
  profile: Readonly<Record<string, string>>,
): void {
  for (const [name, value] of settings) {
    const limit = profile[name];
    const lowers =
      limit !== undefined &&
      /^\d+(\.\d+)?$/.test(value) &&
      Number(value) > 0 &&
      Number(value) <= Number(limit);
    const looks =
      /^(output_format_(?!parquet_geometadata)|format_csv_delimiter$|date_time_output_format$|session_timezone$|join_use_nulls$|final$|max_block_size$|extremes$|log_comment$|readonly$|prefer_column_name_to_alias$|use_query_cache$|send_progress)/.test(
        name,
      ) && !/schema|avro_|protobuf|template/.test(name);
    if (!lowers && !looks)
      throw ClickHouseException.of('READONLY', `Cannot modify '${name}' setting in readonly mode.`);
  }
}

export const isSystemDatabase = (name: string): boolean => SYSTEM_DATABASES.has(name.toLowerCase());

/** `npm run fuzz`: the command line. The broker and ClickHouse are those of the environment. */
import { Command, InvalidArgumentError } from 'commander';
import { again, writeReport } from './report.js';
import { fuzz } from './run.js';

const number =
  (least: number, whole = true) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= least) || (whole && !Number.isInteger(value)))
      throw new InvalidArgumentError(`A ${whole ? 'whole ' : ''}number of at least ${least}.`);
    return value;
  };

const options = new Command('fuzz')
  .description(
    'Random frames, right and wrong, against a running ingest: what is answered, what is kept, what is left behind.',
  )
  .option('--seed <n>', 'which frames (default: random; it is printed)', number(0))
  .option('--minutes <m>', 'how long', number(0.1, false), 3)
  .option('--round <n>', 'this round alone, as a report names it', number(1))
  .option(
    '--cases <n>',
    'connections per round and kind (a round is another one with another number)',
    number(1),
    150,
  )
  .option('--report <dir>', 'where fuzz-<seed>.md and fuzz-<seed>.json go', 'reports')
  .parse()
  .opts<{ seed?: number; minutes: number; round?: number; cases: number; report: string }>();

const seed = options.seed ?? Math.floor(Math.random() * 1_000_000);
const line = (text: string): void => void process.stdout.write(`${text}\n`);
const stopping = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.once(signal, () => {
    line('stopping after what is under way; the report is written');
    stopping.abort();
  });

line(`seed ${seed}`);
const { round, minutes, cases } = options;
const outcome = await fuzz({
  seed,
  minutes,
  cases,
  ...(round === undefined ? {} : { round }),
  signal: stopping.signal,
  line,
});
const report = writeReport(options.report, outcome);
const { findings } = outcome;
line(
  findings.length === 0
    ? `nothing was found in ${outcome.texts} texts on ${outcome.connections} connections (seed ${seed}; ${report})`
    : `${findings.length} things were found (${again(seed, findings[0]?.round ?? 1)}; ${report})`,
);
process.exit(findings.length === 0 ? 0 : 1);

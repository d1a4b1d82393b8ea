import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FuzzOutcome } from './run.js';

const mib = (bytes: number): string => (bytes / 1024 ** 2).toFixed(1);

/** How a round that failed is had again. */
export const again = (seed: number, round: number): string =>
  `npm run fuzz -- --seed ${seed} --round ${round}`;

export function markdown(outcome: FuzzOutcome): string {
  const { findings, log, neighbours, weights } = outcome;
  const verdict = findings.length === 0 ? 'Nothing was found.' : `${findings.length} things were found.`;
  const shown = weights.filter((_, n) => n < 3 || n === weights.length - 1 || n % 10 === 0);
  return [
    `# Fuzz, seed ${outcome.seed}`,
    '',
    `${verdict} ${outcome.rounds} rounds in ${outcome.seconds} s.`,
    '',
    '| what | figure |',
    '|---|---|',
    `| connections | ${outcome.connections} |`,
    `| texts sent | ${outcome.texts} |`,
    `| answers, each judged | ${outcome.answers} |`,
    `| answered texts found in the log, byte for byte | ${log.compared} |`,
    `| records of the log | ${log.records} |`,
    `| records that analytics has archived | ${outcome.archived} |`,
    `| answers to chargers that behaved, beside it | ${neighbours.answered} |`,
    `| the longest that one of them waited | ${neighbours.slowestMs} ms |`,
    ...Object.entries(outcome.endings).map(([ending, count]) => `| ${ending} | ${count} |`),
    '',
    'The weight of ingest after each round, garbage collected, everybody gone:',
    '',
    '| round | texts so far | heap MiB | external MiB | rss MiB |',
    '|---|---|---|---|---|',
    ...shown.map(
      ({ round, texts, heap, external, rss }) =>
        `| ${round} | ${texts} | ${mib(heap)} | ${mib(external)} | ${mib(rss)} |`,
    ),
    '',
    ...findings.flatMap(({ round, what, example }) => [
      `## ${what}`,
      '',
      `Round ${round}: \`${again(outcome.seed, round)}\``,
      ...(example === undefined ? [] : ['', '```json', example, '```']),
      '',
    ]),
  ].join('\n');
}

/** Writes `fuzz-<seed>.md` and `.json`; returns the path of the first. */
export function writeReport(folder: string, outcome: FuzzOutcome): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `fuzz-${outcome.seed}`);
  writeFileSync(`${path}.md`, markdown(outcome));
  writeFileSync(`${path}.json`, `${JSON.stringify(outcome, null, 2)}\n`);
  return `${path}.md`;
}

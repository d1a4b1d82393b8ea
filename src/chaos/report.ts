/** `chaos-<seed>.md` for people, `chaos-<seed>.json` for programs. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isClean, type RunOutcome } from './outcome.js';
import type { Entry } from './protocol.js';

/** Returns the paths. */
export function writeReport(folder: string, outcome: RunOutcome): { markdown: string; json: string } {
  mkdirSync(folder, { recursive: true });
  const markdown = join(folder, `chaos-${outcome.seed}.md`);
  const json = join(folder, `chaos-${outcome.seed}.json`);
  writeFileSync(markdown, markdownOf(outcome));
  writeFileSync(json, `${JSON.stringify(outcome, undefined, 2)}\n`);
  return { markdown, json };
}

export function verdictOf(outcome: RunOutcome): string {
  const faults = Object.values(outcome.faults).reduce((sum, count) => sum + count, 0);
  const outside = outcome.fromOutside === 0 ? '' : ` and ${outcome.fromOutside} from outside`;
  const crashes = outcome.crashes === 0 ? '' : `; ${outcome.crashes} processes ended by themselves`;
  const after = `after ${faults} faults${outside}${crashes}`;
  if (outcome.broken !== undefined) return `NOT PROVEN ${after}: ${outcome.broken}`;
  if (!isClean(outcome)) return `${outcome.differences} DIFFERENCES ${after}`;
  return `no difference ${after}`;
}

export function markdownOf(outcome: RunOutcome): string {
  const { seed, settings, versions, faults, impossible, scenarios, load, checks, complaints, protocol } =
    outcome;
  const lines = [
    `# Chaos, seed ${seed}: ${verdictOf(outcome)}`,
    '',
    `${outcome.seconds.toFixed(0)} s. ${load.answered} frames answered (${load.resent} sent again), ${load.sessionsClosed} sessions charged, ${load.connects} connections, ${load.discarded} frames discarded.`,
    '',
    '## What was compared',
    '',
    '| check | compared | differences |',
    '| --- | --- | --- |',
    ...checks.map(
      (check) => `| ${check.name}: ${check.about} | ${countsOf(check.compared)} | ${check.differences} |`,
    ),
    '',
  ];
  for (const check of checks) {
    if (check.first.length === 0) continue;
    lines.push(`### ${check.name}: the first of ${check.differences} differences`, '');
    lines.push(...check.first.map((one) => `- \`${one.replaceAll('`', "'")}\``), '');
  }
  lines.push(
    '## What was done',
    '',
    `Faults: ${countsOf(faults)}.`,
    '',
    ...Object.entries(impossible).map(([name, why]) => `Not possible here: ${name} (${why}).`),
    '',
    `Chargers: ${countsOf(scenarios)} fleets.`,
    '',
    '| second | what |',
    '| --- | --- |',
    ...protocol
      .filter(({ kind }) => kind !== 'progress')
      .map(({ at, what, kind }) => `| ${at.toFixed(1)} | ${TITLES[kind]}${what.replaceAll('|', '\\|')} |`),
    '',
    '## What the processes complained of',
    '',
    '| times | what |',
    '| --- | --- |',
    ...Object.entries(complaints).map(([what, times]) => `| ${times} | ${what.replaceAll('|', '\\|')} |`),
    '',
    '## With what',
    '',
    '| | |',
    '| --- | --- |',
    ...Object.entries({ ...settings, ...versions }).map(([name, value]) => `| ${name} | ${value ?? ''} |`),
    '',
  );
  return lines.join('\n');
}

const TITLES: Readonly<Record<Entry['kind'], string>> = {
  fault: '**fault**: ',
  over: 'over: ',
  outside: '**from outside**: ',
  system: '',
  progress: '',
  check: 'check: ',
};

const countsOf = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ') || 'nothing';

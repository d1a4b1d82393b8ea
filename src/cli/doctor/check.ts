/**
 * A check finds out one thing and says it in one line. Checks of a group run in order; one that could not be
 * made because an earlier one failed says so and is not held against the installation twice.
 */
import { messageOf, WattstreamError } from '../../platform/errors.js';

/** `unknown`: could not be found out, or nothing to judge yet. Only `wrong` fails the doctor. */
export type Verdict = 'ok' | 'wrong' | 'unknown';

export interface Finding {
  readonly check: string;
  readonly verdict: Verdict;
  /** What was found, for people. */
  readonly found: string;
  /** How to mend it. */
  readonly remedy?: string;
}

export const ok = (check: string, found: string): Finding => ({ check, verdict: 'ok', found });
export const unknown = (check: string, found: string, remedy?: string): Finding => ({
  check,
  verdict: 'unknown',
  found,
  ...(remedy === undefined ? {} : { remedy }),
});
export const wrong = (check: string, found: string, remedy: string): Finding => ({
  check,
  verdict: 'wrong',
  found,
  remedy,
});

/** From an error; its own remedy is better than ours, since it knows what happened. */
export const wrongBy = (check: string, error: unknown, remedy: string): Finding =>
  wrong(check, messageOf(error), (error instanceof WattstreamError && error.remedy) || remedy);

const SIGNS: Record<Verdict, string> = { ok: '✔', wrong: '✖', unknown: '–' };

/** One line per finding, the remedy of what is not right below it. */
export function report(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, verdict, found, remedy }) => [
    `${SIGNS[verdict]} ${check.padEnd(width)}  ${found}`,
    ...(remedy !== undefined && verdict !== 'ok' ? [`${' '.repeat(width + 4)}→ ${remedy}`] : []),
  ]);
  const bad = findings.filter(({ verdict }) => verdict === 'wrong').length;
  const sum =
    bad === 0 ? 'Nothing is wrong.' : bad === 1 ? 'One thing is wrong.' : `${bad} things are wrong.`;
  return `${lines.join('\n')}\n\n${sum}\n`;
}

/** Dead letters in memory, for tests of what shows them. `done` says who decided what. */
import { WattstreamError } from '../../platform/errors.js';
import type { DeadLetter, DeadLetters } from '../ports.js';

export interface MemoryDeadLetters extends DeadLetters {
  readonly done: { readonly what: 'redriven' | 'dropped'; readonly id: string; readonly actor: string }[];
}

export function createMemoryDeadLetters(letters: readonly DeadLetter[]): MemoryDeadLetters {
  let kept = [...letters];
  const done: MemoryDeadLetters['done'] = [];
  const decide = async (ids: readonly string[] | 'all', actor: string, what: 'redriven' | 'dropped') => {
    const went = kept.filter(({ id }) => ids === 'all' || ids.includes(id)).map(({ id }) => id);
    kept = kept.filter(({ id }) => !went.includes(id));
    for (const id of went) done.push({ what, id, actor });
    return went;
  };
  return {
    done,
    list: async ({ limit }) => ({ letters: kept.slice(0, limit), total: kept.length }),
    show: async (wanted) => {
      const letter = kept.find(({ id }) => id === wanted);
      if (letter) return letter;
      throw new WattstreamError('DEAD_LETTER_UNKNOWN', `There is no dead letter ${wanted}`);
    },
    redrive: (ids, actor) => decide(ids, actor, 'redriven'),
    drop: (ids, actor) => decide(ids, actor, 'dropped'),
    close: async () => {},
  };
}

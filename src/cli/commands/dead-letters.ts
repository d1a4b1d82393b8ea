import { Command } from 'commander';
import { readSettings } from '../../platform/config.js';
import { WattstreamError } from '../../platform/errors.js';
import type { DeadLetter, DeadLetters } from '../../queues/ports.js';
import { QueueConnection } from '../../queues/rabbitmq/connection.js';
import { createDeadLetters } from '../../queues/rabbitmq/dead-letters.js';
import { createEventPublisher } from '../../queues/rabbitmq/publisher.js';
import type { Context } from '../context.js';
import { whoAmI } from '../registry.js';
import { type Column, table } from '../table.js';
import { utc } from '../units.js';

const columns: readonly Column<DeadLetter>[] = [
  { title: 'Dead since (UTC)', of: ({ deadAt }) => (deadAt === '' ? '' : utc(deadAt)) },
  { title: 'Id', of: ({ id }) => id },
  { title: 'Type', of: ({ type }) => type },
  { title: 'Queue', of: ({ queue }) => queue },
  { title: 'Attempts', of: ({ attempts }) => String(attempts), align: 'right' },
  { title: 'Reason', of: ({ reason }) => (reason.length > 80 ? `${reason.slice(0, 79)}…` : reason) },
];

export function deadLettersCommand(context: Context): Command {
  const group = new Command('dead-letters').description('Messages that could not be worked on.');
  group.addCommand(
    new Command('list')
      .description('Oldest first. Looking changes nothing.')
      .option('--limit <n>', 'at most', '100')
      .option('--json', 'as JSON, without bodies')
      .action(({ limit, json }: { limit: string; json?: boolean }) =>
        withLetters(context, async (letters) => {
          const found = await letters.list({ limit: countOf(limit) });
          const shown = found.letters.map(({ body: _, ...letter }) => letter);
          if (json) context.out(`${JSON.stringify({ letters: shown, total: found.total }, null, 2)}\n`);
          else {
            context.out(table(columns, found.letters, 'There are none.'));
            if (found.total > found.letters.length)
              context.out(`${found.letters.length} of ${found.total}; --limit shows more.\n`);
          }
        }),
      ),
  );
  group.addCommand(
    new Command('show')
      .description('All of one of them, as JSON, secrets redacted.')
      .argument('<id>')
      .option('--json', 'as JSON: it always is')
      .action((id: string) =>
        withLetters(context, async (letters) => {
          context.out(`${JSON.stringify(await letters.show(id), null, 2)}\n`);
        }),
      ),
  );
  group.addCommand(
    decision(context, 'redrive', 'Back to the queue they came from, their attempts forgotten.', 'redriven'),
  );
  group.addCommand(decision(context, 'drop', 'Throws them away for good.', 'dropped'));
  return group;
}

interface Choice {
  all?: boolean;
  actor?: string;
  json?: boolean;
}

const decision = (
  context: Context,
  verb: 'redrive' | 'drop',
  description: string,
  done: 'redriven' | 'dropped',
): Command =>
  new Command(verb)
    .description(`${description} Each is on record before it is done (charging.events, ops.dead-letter.*).`)
    .argument('[id...]')
    .option('--all', 'all of them')
    .option('--actor <name>', 'who decided it, for the record (default: cli:<user>@<host>)')
    .option('--json', 'as JSON')
    .action((ids: string[], { all, actor, json }: Choice) => {
      if (ids.length > 0 === (all ?? false))
        throw new WattstreamError('CHOICE_MISSING', 'Which ones?', {
          remedy: `wattstream dead-letters ${verb} <id...>, or --all`,
        });
      return withLetters(context, async (letters) => {
        const went = await letters[verb](all ? 'all' : ids, actor ?? whoAmI());
        const left = ids.filter((id) => !went.includes(id));
        if (json) context.out(`${JSON.stringify({ [done]: went, left }, null, 2)}\n`);
        else {
          context.out(`${went.length} ${done}.\n`);
          if (left.length > 0) context.out(`Not there, or its queue is gone: ${left.join(', ')}\n`);
        }
        if (left.length > 0) context.exit(1);
      });
    });

function countOf(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new WattstreamError('LIMIT_INVALID', `--limit ${text} is no number of letters`, {
    remedy: 'A whole number from 1 on.',
  });
}

/** Straight at the broker: dead letters are looked at also when no api runs. */
async function withLetters(context: Context, work: (letters: DeadLetters) => Promise<void>): Promise<void> {
  const settings = readSettings(context.env);
  const { RABBITMQ_URL: amqpUrl, WATTSTREAM_PREFIX: prefix } = settings;
  const connection = new QueueConnection({ amqpUrl, name: 'wattstream dead-letters' });
  const events = createEventPublisher({ connection, prefix });
  try {
    await work(createDeadLetters({ amqpUrl, prefix, events }));
  } finally {
    await events.close(0);
    await connection.close();
  }
}

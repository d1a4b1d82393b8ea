/** What those who run the system ask: how far the tables have come behind the log. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Queries } from '../../analytics/ports.js';
import { messageOf, WattstreamError } from '../../platform/errors.js';
import { withTimeout } from '../../platform/retry.js';
import type { EventLog, LogInspector } from '../../streams/ports.js';
import { OPERATORS } from '../auth/access.js';
import { type CheckpointRow, type EventPositionRow, eventProgressOf, progressOf } from '../progress.js';

const partition = z.object({
  partition: z.int(),
  firstOffset: z.int().nullable().describe('First that is still retained'),
  lastOffset: z.int().nullable(),
  nextOffset: z.int().nullable().describe('Where a restart would continue (active generation)'),
  checkpointAt: z.string().nullable(),
  checkpointAgeSeconds: z.number().nullable(),
  state: z.enum(['empty', 'unread', 'level', 'behind', 'lost', 'ahead']),
  behind: z.int().describe('Offsets from the checkpoint to the end; an upper bound of records'),
});

const eventStream = z.object({
  stream: z.string(),
  firstOffset: z.int().nullable().describe('First that is still retained'),
  lastOffset: z.int().nullable(),
  storedOffset: z.int().nullable().describe('Everything through here is in the tables'),
  storedAt: z.string().nullable(),
  storedAgeSeconds: z.number().nullable(),
  state: z.enum(['empty', 'unread', 'level', 'behind', 'lost', 'ahead', 'unknown']),
  behind: z.int().describe('Offsets from there to the end; an upper bound of records'),
});

/** A stream of events that is stored in a table: its name without a prefix, and what tells its bounds. */
export interface EventStream {
  readonly stream: string;
  readonly log: Pick<EventLog, 'bounds'>;
}

const BOUNDS_MS = 10_000;

export function opsRoutes(
  plain: FastifyInstance,
  queries: Queries,
  inspector: Pick<LogInspector, 'bounds'>,
  eventStreams: readonly EventStream[],
): void {
  plain.withTypeProvider<ZodTypeProvider>().get(
    '/api/ops/streams',
    {
      config: { access: OPERATORS },
      schema: {
        tags: ['ops'],
        summary: 'Partitions of the log and streams of events, and how far the tables are behind them',
        response: {
          200: z.object({ partitions: z.array(partition), behind: z.int(), events: z.array(eventStream) }),
        },
      },
    },
    async () => {
      // The log's end after the checkpoint: the other way round a fresh checkpoint could seem to lie beyond it.
      const checkpoints = await queries.ask('checkpoints', {});
      const positions = await queries.ask('event-positions', {});
      const bounds = await withTimeout(inspector.bounds(), BOUNDS_MS, 'Reading the bounds of the log').catch(
        (error: unknown) => {
          throw new WattstreamError('LOG_UNREACHABLE', `The log does not answer: ${messageOf(error)}`, {
            cause: error,
            canRetry: true,
            remedy: 'See whether RabbitMQ runs; `wattstream doctor` says what is wrong with it.',
          });
        },
      );
      const partitions = progressOf(bounds, checkpoints.rows as unknown as CheckpointRow[]);
      const events = await Promise.all(
        eventStreams.map(async ({ stream, log }) => {
          const kept = await withTimeout(log.bounds(), BOUNDS_MS, `Reading the bounds of ${stream}`).catch(
            () => 'unknown' as const,
          );
          return eventProgressOf(stream, kept, positions.rows as unknown as EventPositionRow[]);
        }),
      );
      return { partitions, behind: partitions.reduce((sum, { behind }) => sum + behind, 0), events };
    },
  );
}

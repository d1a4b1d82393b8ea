/**
 * What is announced about sessions and chargers of all gateways, for ConcurrentTx: out of the stream `charging.events.log`, from a set
 * time back and for ever. Nothing waits for it: until it has been read, and whenever it cannot be, tokens are accepted.
 *
 * Most of it is `session.updated`, some hundred a second where ten thousand cars charge, and says of a session that is
 * known nothing but that it goes on: those are not parsed, their id names the session. It goes on after the last record
 * when the broker was away; when the stream is no longer the one it was, it is read again, and what only it said is void.
 */
import type { ActiveTransactions } from '../domain/charging/active-transactions.js';
import { chargerEvent, sessionEvent, sessionVanishedEvent } from '../domain/messages/charging-events.js';
import { messageOf, type WattstreamError } from '../platform/errors.js';
import type { Logger } from '../platform/logger.js';
import type { EventLog, EventRecord, Following } from '../streams/ports.js';

export interface SessionsHeardOptions {
  readonly log: Pick<EventLog, 'follow'>;
  readonly transactions: ActiveTransactions;
  readonly lookBackMs: number;
  /** Epoch milliseconds. */
  now(): number;
  readonly logger: Logger;
}

const TIDY_MS = 60_000;

export function hearSessions(options: SessionsHeardOptions): { close(): Promise<void> } {
  const { log, transactions, lookBackMs, now, logger } = options;
  let following: Following;
  let closed = false;
  let crowdedOut = 0;
  const follow = (): void => {
    following = log.follow({
      from: { since: now() - lookBackMs },
      accept: (record) => hear(record, transactions, logger),
      onLevel: () => {
        transactions.level = true;
        logger.info({ transactions: transactions.size }, 'transactions of all gateways are known');
      },
      refused: (error: WattstreamError) => {
        logger.warn({ code: error.code, error: error.message }, 'announcements of sessions are read anew');
        transactions.forgetHeard();
        if (!closed) follow();
      },
    });
  };
  follow();
  const tidying = setInterval(() => {
    transactions.forget(now());
    if (transactions.crowdedOut === crowdedOut) return;
    crowdedOut = transactions.crowdedOut;
    logger.warn(
      { code: 'TRANSACTIONS_CROWDED', forgotten: crowdedOut, remedy: 'Raise WATTSTREAM_CONCURRENT_MAX.' },
      'more transactions than may be kept in mind: the tokens of some are accepted elsewhere',
    );
  }, TIDY_MS).unref();
  return {
    async close() {
      closed = true;
      clearInterval(tidying);
      await following.close();
    },
  };
}

function hear(record: EventRecord, transactions: ActiveTransactions, logger: Logger): void {
  const { routingKey, id, body, publishedAt } = record;
  const isPresence = routingKey === 'charger.offline' || routingKey === 'charger.online';
  if (!isPresence && !routingKey.startsWith('session.')) return;
  if (routingKey === 'session.updated' && transactions.goesOn(id.slice(id.lastIndexOf('/') + 1), publishedAt))
    return;
  try {
    const event: unknown = JSON.parse(body);
    if (isPresence) {
      const { chargePointId, at } = chargerEvent.parse(event);
      transactions.heardLeft(chargePointId, Date.parse(at));
      return;
    }
    if (routingKey === 'session.vanished') {
      transactions.vanished(sessionVanishedEvent.parse(event).sessionId);
      return;
    }
    const { session, version, at } = sessionEvent.parse(event);
    transactions.heard({ view: session, version, at: Date.parse(at) });
  } catch (error) {
    // Of another version of this program, or not ours: who is charging there is not known here, and is not refused.
    logger.warn({ routingKey, error: messageOf(error) }, 'an announcement could not be read');
  }
}

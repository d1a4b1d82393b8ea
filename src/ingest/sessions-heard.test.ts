/** What a gateway hears of other gateways' sessions, from a stream in memory. */
import { afterEach, expect, test } from '@jest/globals';
import { aWhile, until } from '../../test/support/ingest.js';
import { ActiveTransactions } from '../domain/charging/active-transactions.js';
import { sessionId2 } from '../domain/charging/session-id.js';
import { tokenHash } from '../domain/charging/token-hash.js';
import { silentLogger } from '../platform/logger.js';
import { MemoryEventLog } from '../queues/memory/event-log.js';
import { hearSessions } from './sessions-heard.js';

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 10, 26, 10);
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

function gateway(log: MemoryEventLog) {
  const transactions = new ActiveTransactions({ forgetMs: 12 * HOUR, limit: 1_000 });
  open.push(hearSessions({ log, transactions, lookBackMs: HOUR, now: () => NOW, logger: silentLogger }));
  return transactions;
}

let offset = 0;
function say(
  log: MemoryEventLog,
  type: string,
  cp: string,
  at: number,
  view: object = {},
  body?: string,
  more = {},
) {
  const sessionId = sessionId2(cp, 'tx');
  const time = new Date(at).toISOString();
  const id = `${type}/1/1/0/${++offset}/${sessionId}`;
  const content = {
    ...{ id, schema: 1, at: time, type, chargePointId: cp, stationId: '', accountId: '' },
    ...{ version: offset, previous: null, sessionId, ...more },
    session: {
      ...{ sessionId, chargePointId: cp, evseId: 1, connectorId: 1, transactionId: 'tx', status: 'active' },
      ...{ held: false, authStatus: 'Accepted', stationId: '', accountId: '', tariff: '' },
      ...{ startedAt: time, stoppedAt: null, lastSeenAt: time, energyWh: null, energyExportWh: null },
      ...{ powerW: null, maxPowerW: null, socPercent: null, stopReason: '', estimated: false, anomalies: [] },
      ...{ remoteStartId: null, idTokenHash: tokenHash('TAG'), cost: null, ...view },
    },
  };
  log.append({
    routingKey: type,
    id,
    app: 'analytics',
    publishedAt: at,
    body: body ?? JSON.stringify(content),
  });
}

const isTaken = (transactions: ActiveTransactions, at = NOW): boolean =>
  transactions.isElsewhere({
    ...{ sessionId: sessionId2('NEW', 'tx'), chargePointId: 'NEW', transactionId: 'tx', evseId: 1 },
    ...{ tokenHash: tokenHash('tag'), at, receivedAt: at, keptOffline: false, asking: 0 },
  });

test('what was announced within the look-back is known once it has been read, and not before', async () => {
  const log = new MemoryEventLog();
  say(log, 'session.started', 'OLD', NOW - 9 * HOUR, { idTokenHash: tokenHash('OLD') });
  say(log, 'session.updated', 'A', NOW - HOUR / 2);
  log.setAway(true);
  const transactions = gateway(log);
  await aWhile();
  expect([transactions.level, isTaken(transactions)]).toEqual([false, false]);
  log.setAway(false);
  await until(() => transactions.level);
  expect([transactions.size, isTaken(transactions)]).toEqual([1, true]);
});

test('a session that goes on is heard of without being read; one whose card or EVSE comes later is read', async () => {
  const log = new MemoryEventLog();
  const transactions = gateway(log);
  await until(() => transactions.level);
  say(log, 'session.started', 'A', NOW);
  say(log, 'session.updated', 'A', NOW + 10 * HOUR, {}, 'not even JSON');
  say(log, 'session.started', 'B', NOW, { idTokenHash: '', authStatus: '' });
  say(log, 'session.started', 'C', NOW, { evseId: null, idTokenHash: tokenHash('C') });
  say(log, 'session.updated', 'B', NOW + HOUR, { idTokenHash: tokenHash('B') });
  say(log, 'session.updated', 'C', NOW + HOUR, { idTokenHash: tokenHash('C'), evseId: 4 });
  await until(() => transactions.size === 3);
  await aWhile();
  expect(isTaken(transactions, NOW + 20 * HOUR)).toBe(true);
  expect(transactions.goesOn(sessionId2('C', 'tx'), NOW + HOUR)).toBe(true);
});

test('ends are heard of: stopped, and vanished; what cannot be read is passed over', async () => {
  const log = new MemoryEventLog();
  const transactions = gateway(log);
  say(log, 'session.started', 'A', NOW);
  say(log, 'session.started', 'B', NOW, {}, '{"of": "another version"}');
  log.append({ routingKey: 'command.requested', id: '', app: '', publishedAt: NOW, body: '{' });
  await until(() => transactions.size === 1);
  say(log, 'session.stopped', 'A', NOW + 1, {
    status: 'completed',
    stoppedAt: new Date(NOW + 1).toISOString(),
  });
  await until(() => !isTaken(transactions, NOW + 10));
  say(log, 'session.started', 'D', NOW);
  await until(() => isTaken(transactions, NOW + 10));
  say(log, 'session.vanished', 'D', NOW + 2);
  await until(() => !isTaken(transactions, NOW + 10));
});

test('whose charger went offline may charge elsewhere, until it is back and the session goes on', async () => {
  const log = new MemoryEventLog();
  const transactions = gateway(log);
  const MINUTE = 60_000;
  const presence = { connection: 'c', gateway: 'g', protocol: 'ocpp1.6', address: '', closeCode: null };
  say(log, 'session.started', 'A', NOW);
  await until(() => isTaken(transactions, NOW + MINUTE));
  say(log, 'charger.offline', 'A', NOW + MINUTE, {}, undefined, presence);
  await until(() => !isTaken(transactions, NOW + 2 * MINUTE));
  say(log, 'charger.online', 'A', NOW + 3 * MINUTE, {}, undefined, presence);
  say(log, 'session.updated', 'A', NOW + 4 * MINUTE, {
    lastSeenAt: new Date(NOW + 2 * MINUTE).toISOString(),
  });
  await aWhile();
  expect(isTaken(transactions, NOW + 5 * MINUTE)).toBe(false);
  say(log, 'session.updated', 'A', NOW + 6 * MINUTE);
  await until(() => isTaken(transactions, NOW + 7 * MINUTE));
});

test('a stream that was created again is read anew, and what only the old one said is void', async () => {
  const log = new MemoryEventLog();
  const transactions = gateway(log);
  say(log, 'session.started', 'A', NOW);
  say(log, 'session.started', 'B', NOW, { idTokenHash: tokenHash('B') });
  await until(() => transactions.size === 2);
  log.recreate();
  await until(() => transactions.size === 0 && transactions.level);
  say(log, 'session.started', 'A', NOW);
  await until(() => isTaken(transactions));
});

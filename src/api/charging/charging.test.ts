/** Customers' requests and receipts between several api processes, on the log in memory. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { MemoryQueues } from '../../../test/support/memory-queues.js';
import type { Receipt } from '../../domain/customers/receipt.js';
import { receiptNumber } from '../../domain/customers/receipt.js';
import type { ChargingRequest } from '../../domain/customers/request.js';
import type { ChargingEventMessage, ChargingRequested } from '../../domain/messages/charging-events.js';
import { silentLogger } from '../../platform/logger.js';
import { ChargingBook } from './book.js';
import { Herald } from './herald.js';
import { receiptPdf } from './receipt-pdf.js';
import { ReceiptDesk } from './receipts.js';

const SESSION = '5f0c2b52-6a53-5d7c-9f0e-0a1b2c3d4e5f';
const NUMBER = receiptNumber(SESSION);
const receipt: Receipt = {
  number: NUMBER,
  date: '2026-11-25',
  corrects: null,
  supplier: { name: 'Stadtwerke Müllheim', address: null, vatId: null },
  customer: { accountId: 'ac-1', name: 'Łukasz Jäger 漢' },
  session: {
    sessionId: SESSION,
    evseId: 'DE*WAT*E1',
    chargePointId: 'CP-1',
    station: { id: 'st-1', name: 'Hafen', address: null, city: null, country: null },
    timeZone: 'Europe/Berlin',
    startedAt: '2026-11-25T12:00:00+01:00',
    stoppedAt: '2026-11-25T13:00:00+01:00',
    energyKWh: '10.000',
    estimated: false,
  },
  tariff: 'day@1',
  currency: 'EUR',
  lines: [
    { dimension: 'ENERGY', price: '0.5', vat: '19', quantity: '10', exclVat: '5.0000', inclVat: '5.9500' },
  ],
  vat: [{ rate: '19', basis: '5.00', amount: '0.95' }],
  total: { exclVat: '5.00', vat: '0.95', inclVat: '5.95' },
  explanation: [],
};

const books: ChargingBook[] = [];
afterEach(async () => {
  for (const book of books.splice(0)) await book.close();
});
function bookOf(queues: MemoryQueues): ChargingBook {
  const book = new ChargingBook({
    log: queues.eventLog(),
    clock: { now: Date.now },
    rememberMs: 3_600_000,
    logger: silentLogger,
  });
  books.push(book);
  return book;
}

describe('receipts', () => {
  /** @param stored what the tables have: of what is older than memory */
  const deskOf = (queues: MemoryQueues, computed: () => Receipt, stored: Receipt[] = []) =>
    new ReceiptDesk({
      sessions: { receipt: async () => computed() },
      events: queues.eventPublisher(),
      book: bookOf(queues),
      history: { receipts: async () => stored },
      nameOf: async () => 'Łukasz Jäger 漢',
      clock: { now: Date.now },
    });
  const ask = (desk: ReceiptDesk) => desk.receipt('ac-1', SESSION);
  const madeOut = (queues: MemoryQueues) => queues.events.filter(({ type }) => type === 'charging.receipt');

  test('two processes that are asked at once give one receipt', async () => {
    const queues = new MemoryQueues();
    const [one, other] = [deskOf(queues, () => receipt), deskOf(queues, () => receipt)];
    expect(await Promise.all([ask(one), ask(other), ask(one)])).toEqual([receipt, receipt, receipt]);
    expect(new Set(madeOut(queues).map(({ id }) => id)).size).toBe(1);
  });

  test('once made out it stays as it was, whatever the station is called since', async () => {
    const queues = new MemoryQueues();
    let now = receipt;
    const desk = deskOf(queues, () => now);
    const text = JSON.stringify(await ask(desk));
    const { session } = receipt;
    now = { ...receipt, session: { ...session, station: { ...session.station, name: 'Renamed' } } };
    expect(JSON.stringify(await ask(desk))).toBe(text);
    expect(madeOut(queues)).toHaveLength(1);
  });

  test('other facts make another receipt, which says what it corrects; also when the first is older than memory', async () => {
    const queues = new MemoryQueues();
    const less = { ...receipt, total: { exclVat: '4.00', vat: '0.76', inclVat: '4.76' } };
    const [one, other] = [deskOf(queues, () => less, [receipt]), deskOf(queues, () => less, [receipt])];
    const corrected = { number: `${NUMBER}-2`, corrects: NUMBER, total: { inclVat: '4.76' } };
    expect(await Promise.all([ask(one), ask(other)])).toMatchObject([corrected, corrected]);
    const third = { ...receipt, total: { exclVat: '3.00', vat: '0.57', inclVat: '3.57' } };
    expect(await ask(deskOf(queues, () => third, [receipt]))).toMatchObject({
      number: `${NUMBER}-3`,
      corrects: `${NUMBER}-2`,
    });
  });

  test('as PDF: the same bytes each time, letters that no built-in font has included', async () => {
    const [one, other] = [await receiptPdf(receipt), await receiptPdf(receipt)];
    expect(one.subarray(0, 5).toString()).toBe('%PDF-');
    expect(one.equals(other)).toBe(true);
  });
  test('a long explanation goes on over further pages', async () => {
    const pdf = await receiptPdf({
      ...receipt,
      explanation: Array.from({ length: 300 }, (_, n) => `Line ${n}`),
    });
    expect(pdf.toString('latin1').match(/\/Type \/Page\b/g)?.length).toBeGreaterThan(3);
  });
});

describe('who tells what became of a request', () => {
  const requested: ChargingRequested = {
    id: 'r',
    schema: 1,
    at: '2026-11-25T12:00:00.000Z',
    type: 'charging.requested',
    chargePointId: 'CP-1',
    accountId: 'ac-1',
    stationId: 'st-1',
    requestId: 'b2a7e1d0-9f3c-4e57-8a61-3c0d5e7f9a12',
    kind: 'start',
    evseId: 1,
    connectorId: 1,
    sessionId: null,
    idTokenHash: 'h',
    remoteStartId: null,
    deadline: '2026-11-25T12:03:00.000Z',
    digest: 'd',
    actor: 'account:ac-1',
  };
  const accepted: ChargingRequest = {
    requested,
    state: 'accepted',
    wasSent: true,
    sessionId: null,
    transactionId: null,
    failure: null,
    endedAt: null,
    isTold: false,
  };
  const started: ChargingRequest = { ...accepted, state: 'started', sessionId: SESSION, transactionId: '7' };

  function heraldAt(from: string) {
    let now = Date.parse(from);
    const said: string[] = [];
    const withdrawn: string[] = [];
    const herald = new Herald({
      events: {
        publishChargingEvent: async ({ type, id }: ChargingEventMessage) =>
          void said.push(`${type} ${id.slice(37)}`),
      },
      clock: { now: () => now },
      graceMs: 5_000,
      spread: 0,
      logger: silentLogger,
      onFailed: ({ requested: { requestId } }) => void withdrawn.push(requestId),
    });
    return {
      herald,
      said,
      withdrawn,
      pass(ms: number) {
        now += ms;
      },
    };
  }

  test('whoever began it at once; the others when that one does not', () => {
    const own = heraldAt('2026-11-25T12:00:10.000Z');
    own.herald.adopt(requested.requestId);
    own.herald.look(started);
    own.herald.look(started);
    expect(own.said).toEqual(['charging.started started']);

    const other = heraldAt('2026-11-25T12:00:10.000Z');
    other.herald.look(started);
    expect(other.said).toEqual([]);
    other.pass(3_000);
    other.herald.look(started);
    expect(other.said).toEqual(['charging.started started']);
  });

  test('nobody, once it is told', () => {
    const { herald, said, pass } = heraldAt('2026-11-25T12:00:10.000Z');
    herald.look(started);
    pass(60_000);
    herald.look({ ...started, isTold: true });
    expect(said).toEqual([]);
  });

  test('its time is up: not before the deadline and some grace, and then its token goes', async () => {
    const { herald, said, withdrawn, pass } = heraldAt('2026-11-25T12:03:04.000Z');
    herald.adopt(requested.requestId);
    herald.look(accepted);
    expect(said).toEqual([]);
    pass(1_000);
    herald.look(accepted);
    expect(said).toEqual(['charging.failed failed']);
    await Promise.resolve();
    expect(withdrawn).toEqual([requested.requestId]);
  });
});

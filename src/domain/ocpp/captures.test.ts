/** Frames of real charger programs, and of a published test run, go all the way without a complaint. */
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { readCapture } from '../../../test/support/capture.js';
import type { ChargingEvent } from '../charging/events.js';
import { decode } from './decode.js';
import type { Protocol } from './record.js';
import { type Response, respond } from './respond.js';

const frames = readCapture('test/data/captures/chargers-16-201-21.jsonl').filter(({ dir }) => dir === 'in');
const expected = JSON.parse(readFileSync('test/data/captures/chargers-16-201-21.expected.json', 'utf8')) as {
  framesIn: Record<string, number>;
  ocpp16: {
    station: string;
    meterStart: number;
    startedAt: string;
    meterStop?: number;
    stoppedAt?: string;
  }[];
};

const play = (id: string, text: string, protocol: Protocol, receivedAt: number) => {
  const response = respond(text, protocol, {
    chargePointId: id,
    receivedAt,
    heartbeatSeconds: 300,
    connectedAt: 0,
    authorize: () => ({ status: 'Accepted' }),
  });
  const decoded = decode({
    ...response.record!,
    chargePointId: id,
    receivedAt,
    protocol,
    direction: 'in',
    gateway: 'g',
  });
  return { response, ...decoded };
};

test('every captured frame is answered, counted under its action, and read without an oddity', () => {
  const seen: Record<string, number> = {};
  for (const { id, proto, m, t } of frames) {
    const { response, event, oddities } = play(id, m, proto as Protocol, Date.parse(t));
    expect({ m, outcome: response.outcome, oddities }).toEqual({ m, outcome: 'answered', oddities: [] });
    expect(response.record?.body).toBe(m);
    expect(event).toBeDefined();
    const name = `${proto} ${response.record?.subject}`;
    seen[name] = (seen[name] ?? 0) + 1;
  }
  expect(seen).toEqual(expected.framesIn);
});

test('starts and stops of 1.6 say what they must', () => {
  const found: { station: string; meterStart: number; startedAt: string }[] = [];
  const stops = new Map<string, Extract<ChargingEvent, { kind: 'stop' }>>();
  const answers: Response[] = [];
  for (const { id, proto, m, t } of frames) {
    const { response, event } = play(id, m, proto as Protocol, Date.parse(t));
    if (event?.kind === 'start') {
      answers.push(response);
      found.push({
        station: id,
        meterStart: event.meterStartMilli / 1000,
        startedAt: new Date(event.at).toISOString(),
      });
    }
    if (event?.kind === 'stop') stops.set(`${id} ${new Date(event.at).toISOString()}`, event);
  }
  const starts = expected.ocpp16.map(({ station, meterStart, startedAt }) => ({
    station,
    meterStart,
    startedAt,
  }));
  const inOrder = (a: (typeof found)[number], b: (typeof found)[number]): number =>
    `${a.station} ${a.startedAt}` < `${b.station} ${b.startedAt}` ? -1 : 1;
  expect(found.sort(inOrder)).toEqual(starts.sort(inOrder));
  expect(new Set(answers.map(({ reply }) => reply)).size).toBe(expected.ocpp16.length);
  for (const { station, stoppedAt, meterStop } of expected.ocpp16) {
    if (stoppedAt === undefined) continue;
    expect(stops.get(`${station} ${stoppedAt}`)?.meterStopMilli).toBe((meterStop as number) * 1000);
  }
});

test('a charger that stops while offline (OCA test case TC_E_44_CS): all its events, in order, offline marked', () => {
  const lines = readFileSync('test/data/ocpp201-offline-stop/cleaned_format.csv', 'utf8')
    .trim()
    .split('\n')
    .slice(1);
  const texts = lines.map((line) =>
    line.slice(line.indexOf('"') + 1, line.lastIndexOf('"')).replaceAll('""', '"'),
  );
  const events: Extract<ChargingEvent, { kind: 'transaction' }>[] = [];
  for (const text of texts.filter((candidate) =>
    /^\[2, "[^"]+", "(TransactionEvent|StatusNotification|Authorize)"/.test(candidate),
  )) {
    const { response, event, oddities } = play('CS', text, 'ocpp2.0.1', Date.parse('2024-05-17T09:21:55Z'));
    expect({ text, outcome: response.outcome, oddities }).toEqual({
      text,
      outcome: 'answered',
      oddities: [],
    });
    if (event?.kind === 'transaction') events.push(event);
  }
  expect(new Set(events.map(({ transactionId }) => transactionId))).toEqual(
    new Set(['e80fb8b1-3fa4-4146-aa10-9dfbc72dfa36']),
  );
  expect(events.map(({ eventType, trigger, offline }) => [eventType, trigger, offline])).toEqual([
    ['Started', 'Authorized', false],
    ['Updated', 'CablePluggedIn', false],
    ['Updated', 'ChargingStateChanged', false],
    ['Ended', expect.any(String), true],
  ]);
  expect(events.at(-1)).toMatchObject({
    stoppedReason: 'Local',
    idToken: { token: 'VALID' },
    outlet: { evseId: 1 },
  });
});

import { expect, test } from '@jest/globals';
import { anomalyNews, sessionNews } from '../live/testing/messages.js';
import { laneOf, matches, wants } from './patterns.js';

test.each([
  ['session.updated', 'session.updated', true],
  ['session.*', 'session.updated', true],
  ['session.*', 'session', false],
  ['*.updated', 'session.updated', true],
  ['*', 'session.updated', false],
  ['#', 'session.updated', true],
  ['cms.#', 'cms.station.created', true],
  ['cms.#', 'cms', true],
  ['#.created', 'cms.station.created', true],
  ['cms.*.created', 'cms.api-key.created', true],
  ['cms.#.deleted', 'cms.station.created', false],
  ['session', 'session.updated', false],
])('%s wants %s: %s', (pattern, type, expected) => {
  expect(matches(pattern, type)).toBe(expected);
});

test('a subscription gets what it asked for, of its station, while it is enabled; never what others subscribe to', () => {
  const subscription = { patterns: ['session.*', 'cms.#'], station: 'st-1', enabled: true };
  const here = sessionNews('session.started', { stationId: 'st-1' });
  expect(wants(subscription, here)).toBe(true);
  expect(wants({ ...subscription, enabled: false }, here)).toBe(false);
  expect(wants(subscription, sessionNews('session.started', { stationId: 'st-2' }))).toBe(false);
  expect(wants(subscription, anomalyNews({ stationId: 'st-1' }))).toBe(false);
  const audience = { stationId: 'st-1', accountId: null };
  expect(wants(subscription, { type: 'cms.station.updated', audience })).toBe(true);
  for (const type of ['cms.webhook.created', 'cms.api-key.deleted'])
    expect(wants(subscription, { type, audience })).toBe(false);
});

test('what is said of one charger is one lane', () => {
  expect(laneOf(sessionNews('session.started'))).toBe(laneOf(anomalyNews()));
  expect(laneOf(anomalyNews({ chargePointId: 'CP-2' }))).not.toBe(laneOf(anomalyNews()));
});

/** What the landing page shows follows from snapshot and changes by versions, in whatever order they come. */
import { expect, test } from '@jest/globals';
import { emptyState, take, takeSnapshot } from '../../dashboards/web/live-state.js';
import { chargerNews, connectorNews, sessionId, sessionNews } from './live/testing/messages.js';

const shown = (state: ReturnType<typeof emptyState>) => ({
  sessions: [...state.sessions.values()].map((session) => [session.sessionId, session.energyWh]),
  chargers: [...state.chargers.values()].map((charger) => [charger.chargePointId, charger.online]),
  connectors: [...state.connectors.values()].map((connector) => connector.status),
});

test('changes are laid over the snapshot, an older one never over a newer', () => {
  const { event } = sessionNews('session.updated', { version: 5 });
  const session = { ...('session' in event ? event.session : {}), version: 5, energyWh: 50 };
  const state = takeSnapshot({
    chargers: [],
    connectors: [],
    sessions: [session],
    commands: [],
    truncated: false,
  });
  take(state, sessionNews('session.updated', { version: 4, session: { energyWh: 40 } }));
  expect(shown(state).sessions).toEqual([[sessionId(1), 50]]);
  take(state, sessionNews('session.updated', { version: 6, session: { energyWh: 60 } }));
  take(state, chargerNews('charger.online', { version: 7 }));
  take(state, connectorNews('Charging', { version: 8 }));
  take(state, connectorNews('Available', { version: 3 }));
  expect(shown(state)).toEqual({
    sessions: [[sessionId(1), 60]],
    chargers: [['CP-1', true]],
    connectors: ['Charging'],
  });
});

test('a cost that was told stays with its session while more is announced of it', () => {
  const state = emptyState();
  take(state, sessionNews('session.started', { version: 1 }));
  const cost = { currency: 'EUR', exclVat: '2.12', inclVat: '2.52', final: false };
  take(state, { event: { type: 'session.cost', sessionId: sessionId(1), version: 1, cost } });
  take(state, { event: { type: 'session.cost', sessionId: sessionId(2), version: 1, cost } });
  take(state, sessionNews('session.updated', { version: 2 }));
  expect([...state.sessions.values()].map((session) => session.cost)).toEqual([cost]);
});

test('a session that ended does not come back with an older change', () => {
  const state = emptyState();
  take(state, sessionNews('session.started', { version: 1 }));
  take(state, sessionNews('session.stopped', { version: 9 }));
  take(state, sessionNews('session.updated', { version: 8 }));
  expect(shown(state).sessions).toEqual([]);
  // A stop that came late does not end what began anew (a session that was reopened).
  take(state, sessionNews('session.updated', { version: 10 }));
  take(state, sessionNews('session.stopped', { version: 9 }));
  expect(shown(state).sessions).toHaveLength(1);
});

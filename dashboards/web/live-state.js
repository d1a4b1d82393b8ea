// @ts-nocheck: plain JavaScript for browsers, whose shapes are those of src/api/live/protocol.ts
/**
 * What is known of chargers, connectors, sessions and commands: a snapshot, and each change laid over it where its
 * version is newer. Pure, without a page: tests use it as it is.
 */
export const emptyState = () => ({
  chargers: new Map(),
  connectors: new Map(),
  sessions: new Map(),
  commands: new Map(),
  /** Versions of sessions that ended: an older change must not bring one back. */
  ended: new Map(),
  truncated: false,
});

const connectorKey = ({ chargePointId, evseId, connectorId }) => `${chargePointId}/${evseId}/${connectorId}`;
const by = (list, key) => new Map(list.map((one) => [key(one), one]));

export const takeSnapshot = (snapshot) => ({
  ...emptyState(),
  chargers: by(snapshot.chargers, ({ chargePointId }) => chargePointId),
  connectors: by(snapshot.connectors, connectorKey),
  sessions: by(snapshot.sessions, ({ sessionId }) => sessionId),
  commands: by(snapshot.commands, ({ commandId }) => commandId),
  truncated: snapshot.truncated,
});

const ENDS = ['accepted', 'rejected', 'failed', 'timed-out', 'offline'];

export function take(state, { event }) {
  const { type, version } = event;
  const newer = (known) => known === undefined || version > known.version;
  if (type === 'charger.online' || type === 'charger.offline') {
    if (!newer(state.chargers.get(event.chargePointId))) return;
    const { chargePointId, stationId, protocol, gateway, address, at } = event;
    state.chargers.set(chargePointId, {
      chargePointId,
      stationId: stationId || null,
      online: type === 'charger.online',
      protocol,
      gateway,
      address,
      since: at,
      version,
    });
  } else if (type === 'connector.status') {
    const key = connectorKey(event);
    if (newer(state.connectors.get(key))) state.connectors.set(key, event);
  } else if (type === 'session.vanished') end(state, event.sessionId, version);
  else if (type === 'session.cost') {
    const known = state.sessions.get(event.sessionId);
    if (known !== undefined) state.sessions.set(event.sessionId, { ...known, cost: event.cost });
  } else if (type.startsWith('session.')) {
    const { session } = event;
    const cost = state.sessions.get(session.sessionId)?.cost ?? null;
    if (session.status !== 'active') end(state, session.sessionId, version);
    else if (newer(state.sessions.get(session.sessionId)) && !(state.ended.get(session.sessionId) >= version))
      state.sessions.set(session.sessionId, { ...session, version, cost });
  } else if (type.startsWith('command.')) {
    const step = type.slice('command.'.length);
    if (ENDS.includes(step)) state.commands.delete(event.commandId);
    else
      state.commands.set(event.commandId, {
        ...state.commands.get(event.commandId),
        commandId: event.commandId,
        chargePointId: event.chargePointId,
        state: step,
      });
  }
}

function end(state, sessionId, version) {
  const known = state.sessions.get(sessionId);
  if (known !== undefined && known.version > version) return;
  state.sessions.delete(sessionId);
  state.ended.set(sessionId, version);
  if (state.ended.size > 1_000) state.ended.delete(state.ended.keys().next().value);
}

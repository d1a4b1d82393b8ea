/**
 * Random lives of a charger, for property tests: sessions on several connectors, with the faults that are met
 * in the field. Each frame says when it happened; the log's order is decided by the property.
 */
import fc from 'fast-check';
import { energyUntil, type Stretch, type Truth } from './energy-oracle.js';
import {
  boot,
  connected,
  disconnected,
  type Entry,
  gatewayAlive,
  gatewayStarted,
  heartbeat,
  meters,
  power,
  sample,
  start,
  status,
  stop,
  transaction,
} from './frames.js';

const MINUTE = 60_000;
export const MIDNIGHT = Date.UTC(2026, 10, 23);

export interface Life {
  readonly protocol: '1.6' | '2.x';
  /** Frames of transactions and their readings, by the time they tell of. */
  readonly frames: readonly Entry[];
  readonly truths: ReadonlyMap<string, Truth>;
}

interface SessionPlan {
  connector: number;
  gapMinutes: number;
  stretches: Stretch[];
  meterStart: number;
  /** How it is told. */
  ended: 'properly' | 'twice' | 'unnamed' | 'never';
  startedTwice: boolean;
  /** OCPP 1.6: under the id of the first session. 2.x: its Started was lost. */
  idReused: boolean;
  readings: 'named' | 'unnamed' | 'none';
  withPower: boolean;
  /** Readings that are wrong: which, and by how many Wh. */
  glitches: { at: number; off: number }[];
  /** Readings told again with another value. */
  told: { at: number; off: number }[];
  afterStop: boolean;
}

const stretch: fc.Arbitrary<Stretch> = fc.record({
  ms: fc.integer({ min: 1, max: 40 }).map((minutes) => minutes * MINUTE + 7),
  milli: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 6_000_000 })),
});
const wrong = fc.record({ at: fc.nat(5), off: fc.integer({ min: -9_000, max: 90_000 }) });

const plan = (faulty: boolean): fc.Arbitrary<SessionPlan> =>
  fc.record({
    connector: fc.integer({ min: 1, max: 2 }),
    gapMinutes: fc.integer({ min: 1, max: 90 }),
    stretches: fc.array(stretch, { minLength: 1, maxLength: 6 }),
    meterStart: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 9_000_000 })),
    ended: faulty
      ? fc.constantFrom('properly' as const, 'twice' as const, 'unnamed' as const, 'never' as const)
      : fc.constant('properly' as const),
    startedTwice: faulty ? fc.boolean() : fc.constant(false),
    idReused: faulty ? fc.integer({ min: 0, max: 4 }).map((n) => n === 0) : fc.constant(false),
    readings: faulty
      ? fc.constantFrom('named' as const, 'unnamed' as const, 'none' as const)
      : fc.constant('named' as const),
    withPower: fc.boolean(),
    glitches: faulty ? fc.array(wrong, { maxLength: 2 }) : fc.constant([]),
    told: faulty ? fc.array(wrong, { maxLength: 1 }) : fc.constant([]),
    afterStop: faulty ? fc.boolean() : fc.constant(false),
  });

/** @param faulty with glitches, missing and unnamed stops, repeated starts; else each session is simple. */
export const life = (faulty: boolean): fc.Arbitrary<Life> =>
  fc
    .tuple(
      fc.constantFrom('1.6' as const, '2.x' as const),
      fc.array(plan(faulty), { minLength: 1, maxLength: 5 }),
    )
    .map(([protocol, plans]) => tell(protocol, plans));

function tell(protocol: Life['protocol'], plans: SessionPlan[]): Life {
  const free = new Map<number, number>();
  const truths = new Map<string, Truth>();
  const frames: Entry[] = [];
  plans.forEach((session, index) => {
    const startAt = (free.get(session.connector) ?? MIDNIGHT + 8 * 60 * MINUTE) + session.gapMinutes * MINUTE;
    // Meters count whole watt-hours at the ends, and so does the truth.
    const total = session.stretches.reduce((sum, { milli }) => sum + milli, 0);
    const last = session.stretches[session.stretches.length - 1] as Stretch;
    const rounded = { ...last, milli: last.milli + ((1_000 - (total % 1_000)) % 1_000) };
    const truth = { startAt, stretches: [...session.stretches.slice(0, -1), rounded] };
    const id = protocol === '1.6' ? String(101 + (session.idReused ? 0 : index)) : `tx-${index}`;
    truths.set(id, truth);
    const told = protocol === '1.6' ? tell16(id, session, truth) : tell2x(id, session, truth);
    frames.push(...told);
    free.set(
      session.connector,
      truth.stretches.reduce((at, { ms }) => at + ms, startAt),
    );
  });
  frames.sort((a, b) => a.record.receivedAt - b.record.receivedAt);
  return { protocol, frames, truths };
}

/** The readings at the end of each stretch, faults included; `number` counts stretches from 1. */
function readings(session: SessionPlan, truth: Truth) {
  let at = truth.startAt;
  return truth.stretches.flatMap(({ ms, milli }, index) => {
    at += ms;
    const watts = Math.round((milli / ms) * 3_600);
    const off = session.glitches.find((glitch) => glitch.at === index)?.off ?? 0;
    const again = session.told.find((other) => other.at === index);
    const value = (more: number) => Math.max(0, session.meterStart + energyUntil(truth, at) / 1_000 + more);
    const samples = [sample(at, value(off)), ...(session.withPower ? [power(at, watts)] : [])];
    return [
      { at, samples },
      ...(again === undefined ? [] : [{ at, samples: [sample(at, value(again.off))] }]),
    ];
  });
}

function tell16(id: string, session: SessionPlan, truth: Truth): Entry[] {
  const { connector, meterStart } = session;
  const begun = start(truth.startAt, meterStart, { id, connector });
  const frames = [begun];
  if (session.startedTwice)
    frames.push(start(truth.startAt + 30_000, meterStart, { id: `9${id}`, connector }));
  let endAt = truth.startAt;
  for (const { at, samples } of readings(session, truth)) {
    endAt = at;
    if (session.readings === 'none') continue;
    frames.push(meters(samples, { connector, id: session.readings === 'named' ? id : null }));
  }
  const meterStop = meterStart + energyUntil(truth, endAt) / 1_000;
  if (session.ended === 'unnamed') frames.push(stop(endAt, meterStop, { id: '-1', token: 'TAG-1' }));
  else if (session.ended !== 'never') frames.push(stop(endAt, meterStop, { id }));
  if (session.ended === 'twice') frames.push(stop(endAt, meterStop, { id, reason: 'PowerLoss' }));
  if (session.afterStop && session.ended !== 'never')
    frames.push(
      meters([sample(endAt + 20_000, meterStop + 50), power(endAt + 20_000, 11_000)], { connector, id }),
    );
  return frames;
}

function tell2x(id: string, session: SessionPlan, truth: Truth): Entry[] {
  const { connector: evse, meterStart } = session;
  let seqNo = 0;
  const frames = [
    transaction('Started', seqNo++, truth.startAt, {
      id,
      evse,
      token: 'TAG-1',
      state: 'EVConnected',
      samples: [sample(truth.startAt, meterStart, { context: 'Transaction.Begin' })],
    }),
  ];
  let endAt = truth.startAt;
  for (const { at, samples } of readings(session, truth)) {
    endAt = at;
    if (session.readings === 'none') continue;
    frames.push(
      session.readings === 'named'
        ? transaction('Updated', seqNo++, at, { id, state: 'Charging', samples })
        : meters(samples, { evse, id: null, protocol: 'ocpp2.0.1' }),
    );
  }
  if (session.idReused && frames.length > 1) frames.shift();
  if (session.ended === 'never') return frames;
  const last = sample(endAt, meterStart + energyUntil(truth, endAt) / 1_000, { context: 'Transaction.End' });
  const withReadings = session.ended !== 'unnamed';
  frames.push(transaction('Ended', seqNo++, endAt, { id, samples: withReadings ? [last] : [] }));
  if (session.ended === 'twice')
    frames.push(transaction('Ended', seqNo++, endAt + 1_000, { id, reason: 'Other' }));
  if (session.afterStop) {
    const after = sample(endAt + 20_000, last.milli / 1_000 + 50);
    frames.push(transaction('Updated', seqNo++, endAt + 20_000, { id, samples: [after] }));
  }
  return frames;
}

/** Everything else that happens around a charger: connections, statuses, boots, other gateways, long pauses. */
export const surroundings = (protocol: Life['protocol']): fc.Arbitrary<Entry[]> =>
  fc.array(
    fc
      .tuple(
        fc.integer({ min: 7 * 60, max: 20 * 60 }).map((minute) => MIDNIGHT + minute * MINUTE),
        fc.constantFrom(
          'connect',
          'disconnect',
          'beat',
          'status',
          'station',
          'boot',
          'alive',
          'restart',
          'later',
          'lost',
        ),
        fc.integer({ min: 0, max: 3 }),
      )
      .map(([at, what, n]): Entry => {
        const of = { connection: `c${n}`, gateway: `gw-${n % 2}` };
        const outlet = protocol === '1.6' ? { connector: 1 + (n % 2) } : { connector: 1, evse: 1 + (n % 2) };
        const said = ['Available', protocol === '1.6' ? 'Charging' : 'Occupied', 'Faulted', 'Available'][
          n
        ] as string;
        switch (what) {
          case 'connect':
            return connected(at, of);
          case 'disconnect':
            return disconnected(at, of);
          case 'beat':
            return heartbeat(at, { ...of, protocol: n === 3 ? 'ocpp2.1' : 'ocpp2.0.1' });
          case 'status':
            // Told late, now and then.
            return status(at - n * 7 * MINUTE, said, { ...outlet, ...of, received: at });
          case 'station':
            return status(at, n < 2 ? 'Unavailable' : 'Available', { ...of, connector: 0 });
          case 'boot':
            return boot(at, of);
          case 'alive':
            // Gateways' clocks differ a little.
            return gatewayAlive(at + n * 1_000, `gw-${n % 2}`);
          case 'restart':
            return gatewayStarted(at, `gw-${n % 2}`);
          case 'later':
            return heartbeat(at + n * 30 * 60 * 60 * MINUTE, of);
          default:
            return meters([sample(at, n)], {
              connector: 1 + (n % 2),
              id: n === 0 ? '777' : n === 1 ? '-1' : null,
              ...of,
            });
        }
      }),
    { maxLength: 25 },
  );

const UNSET_CLOCK = MIDNIGHT;

/** The same frames from a charger whose clock was never set: it counts from 1970. */
export const withoutClock = (frames: readonly Entry[]): Entry[] =>
  frames.map((frame) => ({ ...frame, event: shifted(frame.event) }));

function shifted(event: Entry['event']): Entry['event'] {
  if (event === undefined) return event;
  const at = 'at' in event ? { at: event.at - UNSET_CLOCK } : {};
  const samples =
    'samples' in event ? { samples: event.samples.map((one) => ({ ...one, at: one.at - UNSET_CLOCK })) } : {};
  return { ...event, ...at, ...samples } as Entry['event'];
}

/** A busy station: hundreds of statuses, not all in order, among reconnects. */
export const busyStation: fc.Arbitrary<Entry[]> = fc
  .array(
    fc.tuple(
      fc.constantFrom('Available', 'Charging', 'Faulted', 'Available'),
      fc.integer({ min: 0, max: 2 }),
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: 0, max: 9 }),
    ),
    { minLength: 200, maxLength: 700 },
  )
  .map((told) =>
    told.flatMap(([said, connector, late, kind], index) => {
      const at = MIDNIGHT + index * MINUTE;
      const of = { connection: `c${Math.floor(index / 50)}`, gateway: 'gw-0' };
      if (kind === 0) return [disconnected(at, of), connected(at + 5_000, of)];
      if (kind === 1) return [gatewayStarted(at, 'gw-0')];
      return [status(kind < 4 ? at - late * MINUTE : at, said, { connector, ...of, received: at })];
    }),
  );

/** Rules of charging, "Status and availability". What would break: availability figures, and who gets called out. */
import { describe, expect, it } from '@jest/globals';
import {
  connected,
  disconnected,
  type Entry,
  heartbeat,
  status,
  transaction,
} from '../../../test/oracle/frames.js';
import { tablesOf } from '../../../test/oracle/scenario.js';

/** 'from status' of one connector, in order. */
function history(frames: Entry[], { evse = 1, connector = 1 } = {}): string[] {
  const clock = (at: number) => new Date(at).toISOString().slice(11, 16);
  return tablesOf(...frames)
    .statusIntervals.filter((row) => row.evseId === evse && row.connectorId === connector)
    .map((row) => `${clock(row.from)}-${row.to === null ? '' : clock(row.to)} ${row.status}`);
}
const online = connected('07:00');
const two = { protocol: 'ocpp2.0.1', evse: 1 } as const;

describe('status of a connector', () => {
  it('is a stretch per status, the last one open', () => {
    expect(
      history([
        online,
        status('08:00', 'Available'),
        status('08:10', 'Preparing'),
        status('08:11', 'Charging'),
      ]),
    ).toEqual(['08:00-08:10 Available', '08:10-08:11 Preparing', '08:11- Charging']);
  });

  it('said again is the same stretch', () => {
    expect(
      history([
        online,
        status('08:00', 'Available'),
        status('08:10', 'Available'),
        status('08:20', 'Charging'),
      ]),
    ).toEqual(['08:00-08:20 Available', '08:20- Charging']);
  });

  it('that came late goes where it belongs by its own time', () => {
    expect(
      history([
        online,
        status('08:00', 'Available'),
        status('08:20', 'Charging'),
        status('08:10', 'Preparing', { received: '08:30' }),
      ]),
    ).toEqual(['08:00-08:10 Available', '08:10-08:20 Preparing', '08:20- Charging']);
  });

  it('that came late and makes a stretch needless takes it back', () => {
    expect(
      history([
        online,
        status('08:00', 'Available'),
        status('08:20', 'Charging'),
        status('08:10', 'Charging', { received: '08:30' }),
      ]),
    ).toEqual(['08:00-08:10 Available', '08:10- Charging']);
  });

  it('keeps its error code', () => {
    const { statusIntervals } = tablesOf(
      online,
      status('08:00', 'Faulted', { errorCode: 'GroundFailure', vendorCode: 'E7' }),
    );
    expect(statusIntervals).toMatchObject([
      { status: 'Faulted', errorCode: 'GroundFailure', vendorCode: 'E7' },
    ]);
  });

  it('with an errorCode without Faulted is a warning', () => {
    const { anomalies } = tablesOf(
      online,
      status('08:00', 'Charging', { errorCode: 'HighTemperature', vendorCode: 'fan' }),
    );
    expect(anomalies).toMatchObject([
      { kind: 'status_warning', detail: 'HighTemperature fan while Charging' },
    ]);
    expect(tablesOf(online, status('08:00', 'Faulted', { errorCode: 'HighTemperature' })).anomalies).toEqual(
      [],
    );
  });
});

describe('connector 0', () => {
  it.each(['Faulted', 'Unavailable'])(
    '%s overlays all connectors, and what was before is restored',
    (overlay) => {
      const frames = [
        online,
        status('08:00', 'Available', { connector: 1 }),
        status('08:00', 'Charging', { connector: 2 }),
        status('08:10', overlay, { connector: 0 }),
        status('08:20', 'Available', { connector: 0 }),
      ];
      expect(history(frames)).toEqual([
        '08:00-08:10 Available',
        `08:10-08:20 ${overlay}`,
        '08:20- Available',
      ]);
      expect(history(frames, { evse: 2, connector: 2 })).toEqual([
        '08:00-08:10 Charging',
        `08:10-08:20 ${overlay}`,
        '08:20- Charging',
      ]);
    },
  );

  it('Available overlays nothing', () => {
    expect(
      history([online, status('08:00', 'Charging'), status('08:10', 'Available', { connector: 0 })]),
    ).toEqual(['08:00- Charging']);
  });

  it('does not hide what a connector reported meanwhile', () => {
    expect(
      history([
        online,
        status('08:00', 'Available'),
        status('08:10', 'Unavailable', { connector: 0 }),
        status('08:15', 'Faulted'),
        status('08:20', 'Available', { connector: 0 }),
      ]),
    ).toEqual(['08:00-08:10 Available', '08:10-08:20 Unavailable', '08:20- Faulted']);
  });
});

describe('2.x Occupied', () => {
  it.each(['Charging', 'SuspendedEV', 'SuspendedEVSE'])('is refined by chargingState: %s', (state) => {
    expect(
      history([
        online,
        status('08:00', 'Occupied', two),
        transaction('Started', 0, '08:01', { evse: 1, state }),
      ]),
    ).toEqual(['08:00-08:01 Occupied', `08:01- ${state}`]);
  });

  it.each(['Idle', 'EVConnected'])(
    'with %s is Preparing before the first energy and Finishing after',
    (state) => {
      expect(
        history([
          online,
          status('08:00', 'Occupied', two),
          transaction('Started', 0, '08:01', { evse: 1, state }),
          transaction('Updated', 1, '08:02', { state: 'Charging' }),
          transaction('Updated', 2, '08:40', { state }),
        ]),
      ).toEqual([
        '08:00-08:01 Occupied',
        '08:01-08:02 Preparing',
        '08:02-08:40 Charging',
        '08:40- Finishing',
      ]);
    },
  );

  it('is Finishing while the car stays after the end, and the next one is Occupied again', () => {
    expect(
      history([
        online,
        status('08:00', 'Occupied', two),
        transaction('Started', 0, '08:01', { evse: 1, state: 'Charging' }),
        transaction('Ended', 1, '09:00', { state: 'EVConnected' }),
        status('09:10', 'Available', two),
        status('10:00', 'Occupied', two),
      ]),
    ).toEqual([
      '08:00-08:01 Occupied',
      '08:01-09:00 Charging',
      '09:00-09:10 Finishing',
      '09:10-10:00 Available',
      '10:00- Occupied',
    ]);
  });

  it('is refined by an event that came before the status', () => {
    expect(
      history([
        online,
        status('08:00', 'Available', two),
        transaction('Started', 0, '08:09', { evse: 1, state: 'Charging' }),
        status('08:10', 'Occupied', two),
      ]),
    ).toEqual(['08:00-08:10 Available', '08:10- Charging']);
  });

  it('offline: true never changes live status', () => {
    expect(
      history([
        online,
        status('08:00', 'Occupied', two),
        transaction('Updated', 1, '08:05', { evse: 1, state: 'Charging', offline: true, received: '12:00' }),
      ]),
    ).toEqual(['08:00- Occupied']);
  });

  it('of another EVSE is not refined', () => {
    expect(
      history([
        online,
        status('08:00', 'Occupied', two),
        transaction('Started', 0, '08:01', { evse: 2, state: 'Charging' }),
      ]),
    ).toEqual(['08:00- Occupied']);
  });

  it('Reserved and Unavailable are not refined', () => {
    expect(
      history([
        online,
        status('08:00', 'Reserved', two),
        transaction('Updated', 1, '08:01', { evse: 1, state: 'Charging' }),
      ]),
    ).toEqual(['08:00- Reserved']);
  });
});

describe('offline', () => {
  it('overlays, and the status before it is restored', () => {
    expect(
      history([
        online,
        status('08:00', 'Charging'),
        disconnected('08:10'),
        connected('08:30', { connection: 'c2' }),
        heartbeat('08:31', { connection: 'c2' }),
      ]),
    ).toEqual(['08:00-08:10 Charging', '08:10-08:30 Offline', '08:30- Charging']);
  });

  it('goes before the overlay of connector 0', () => {
    expect(
      history([
        online,
        status('08:00', 'Charging'),
        status('08:05', 'Unavailable', { connector: 0 }),
        disconnected('08:10'),
      ]),
    ).toEqual(['08:00-08:05 Charging', '08:05-08:10 Unavailable', '08:10- Offline']);
  });

  it('is not assumed before the first connection that is known', () => {
    expect(history([status('06:00', 'Available', { received: '07:30' }), online])).toEqual([
      '06:00- Available',
    ]);
  });

  it('a status of the offline time does not end it', () => {
    expect(
      history([
        online,
        status('08:00', 'Charging'),
        disconnected('08:10'),
        connected('09:00', { connection: 'c2' }),
        status('08:30', 'Finishing', { connection: 'c2', received: '09:01' }),
      ]),
    ).toEqual(['08:00-08:10 Charging', '08:10-09:00 Offline', '09:00- Finishing']);
  });
});

describe('a long history', () => {
  /** Alternates every minute from midnight. */
  const minutes = (count: number) =>
    Array.from({ length: count }, (_, i) =>
      status(Date.UTC(2026, 10, 23) + i * 60_000, i % 2 === 0 ? 'Available' : 'Preparing'),
    );

  it('shows every stretch, also after the older ones became final', () => {
    const shown = history(minutes(1_000));
    expect(shown).toHaveLength(1_000);
    expect(shown[0]).toBe('00:00-00:01 Available');
    expect(shown[999]).toBe('16:39- Preparing');
  });

  it('a status for a time that is final is a late anomaly, and changes nothing', () => {
    const late = status('00:10:30', 'Faulted', { received: '20:00' });
    expect(history([...minutes(1_000), late])).toEqual(history(minutes(1_000)));
    expect(tablesOf(...minutes(1_000), late).anomalies).toMatchObject([{ kind: 'late' }]);
  });
});

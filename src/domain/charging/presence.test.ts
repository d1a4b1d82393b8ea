/** Rules of charging, "Status and availability": who is connected. */
import { describe, expect, it } from '@jest/globals';
import {
  connected,
  disconnected,
  type Entry,
  gatewayAlive,
  gatewayStarted,
  heartbeat,
  status,
  time,
} from '../../../test/oracle/frames.js';
import { tablesOf } from '../../../test/oracle/scenario.js';

const clock = (at: number | null) => (at === null ? '' : new Date(at).toISOString().slice(11, 19));
const stretches = (...frames: Entry[]) =>
  tablesOf(...frames).connections.map((row) => `${row.connection} ${clock(row.from)}-${clock(row.to)}`);
const on = (connection: string, gateway = 'gw-1', chargePoint = 'CP-1') => ({
  connection,
  gateway,
  chargePoint,
});

describe('a connection', () => {
  it('begins with Connected and ends with Disconnected, whose code is kept', () => {
    const { connections } = tablesOf(
      connected('08:00', on('a')),
      disconnected('08:05', { ...on('a'), code: 1001 }),
    );
    expect(connections).toMatchObject([
      {
        connection: 'a',
        from: time('08:00'),
        to: time('08:05'),
        closeCode: 1001,
        gateway: 'gw-1',
        protocol: 'ocpp1.6',
        address: '10.0.0.9',
      },
    ]);
  });

  it('is known by any of its frames when the log begins in the middle of it', () => {
    expect(stretches(heartbeat('08:00', on('a')))).toEqual(['a 08:00:00-']);
  });

  it('is closed by a reconnect at its last frame', () => {
    expect(
      stretches(
        connected('08:00', on('a')),
        heartbeat('08:01', on('a')),
        connected('08:30', on('b', 'gw-2')),
      ),
    ).toEqual(['a 08:00:00-08:01:00', 'b 08:30:00-']);
  });

  it('is not reopened by a straggling frame of the old socket', () => {
    expect(
      stretches(
        connected('08:00', on('a')),
        connected('08:01', on('b')),
        heartbeat('08:01:01', on('a')),
        disconnected('08:01:02', { ...on('a'), code: 1006 }),
      ),
    ).toEqual(['a 08:00:00-08:00:00', 'b 08:01:00-']);
  });
});

describe('a killed gateway writes no Disconnected', () => {
  const before = [
    connected('08:00', on('a')),
    status('08:00:05', 'Available', on('a')),
    heartbeat('08:00:20', on('a')),
  ];

  it('its restart closes the old connection at its last frame', () => {
    expect(stretches(...before, gatewayStarted('08:01'))).toEqual(['a 08:00:00-08:00:20']);
  });

  it('its missed liveness closes the old connection at its last frame', () => {
    expect(stretches(...before, gatewayAlive('08:02:30', 'gw-2'))).toEqual(['a 08:00:00-08:00:20']);
  });

  it('makes its connectors Offline from that frame on', () => {
    const { statusIntervals } = tablesOf(...before, gatewayStarted('08:01'));
    expect(statusIntervals).toMatchObject([
      { status: 'Available', from: time('08:00:05'), to: time('08:00:20') },
      { status: 'Offline', from: time('08:00:20'), to: null },
    ]);
  });

  it("a liveness report proves the gateway's life, and so its quiet connections'", () => {
    const reports = ['08:00:30', '08:01', '08:01:30', '08:02', '08:02:30', '08:03'].map((at) =>
      gatewayAlive(at),
    );
    expect(stretches(...before, ...reports)).toEqual(['a 08:00:00-']);
  });

  it('the missed liveness of another gateway closes nothing here', () => {
    expect(
      stretches(
        connected('08:00', on('a', 'gw-1')),
        connected('08:00', on('b', 'gw-2', 'CP-2')),
        gatewayAlive('08:01', 'gw-1'),
        gatewayAlive('08:02', 'gw-1'),
      ),
    ).toEqual(['a 08:00:00-', 'b 08:00:00-08:00:00']);
  });

  it('the restart of another gateway closes nothing here', () => {
    expect(
      stretches(...before, gatewayAlive('08:00:30', 'gw-2'), gatewayStarted('08:00:40', 'gw-2')),
    ).toEqual(['a 08:00:00-']);
  });

  it('is noticed also by a straggling frame of the same charge point', () => {
    expect(
      stretches(
        connected('08:00', on('a', 'gw-1')),
        connected('08:00:10', on('b', 'gw-2')),
        heartbeat('08:03', on('a', 'gw-1')),
      ),
    ).toEqual(['a 08:00:00-08:00:00', 'b 08:00:10-08:00:10']);
  });

  it('a frame that comes after all reopens the connection that was closed for want of liveness', () => {
    expect(stretches(...before, gatewayAlive('08:02:30', 'gw-2'), heartbeat('08:03', on('a')))).toEqual([
      'a 08:00:00-',
    ]);
  });

  it('and then no Offline is left behind', () => {
    const { statusIntervals } = tablesOf(
      ...before,
      gatewayAlive('08:02:30', 'gw-2'),
      heartbeat('08:03', on('a')),
    );
    expect(statusIntervals).toMatchObject([{ status: 'Available', to: null }]);
  });

  it('what the gateway said at its end still counts after its liveness was missed', () => {
    const { connections } = tablesOf(
      ...before,
      gatewayAlive('08:02:30', 'gw-2'),
      disconnected('08:02:40', { ...on('a'), code: 1006 }),
    );
    expect(connections).toMatchObject([{ to: time('08:00:20'), closeCode: 1006 }]);
  });
});

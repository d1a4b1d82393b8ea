/** Which outlet a start is for. The wrong one starts somebody else's car on this customer's account. */
import { expect, test } from '@jest/globals';
import { chooseOutlet, occupancyOf, outletsOf, statusOf } from './outlets.js';

const connector = (connectorId: number) => ({
  connectorId,
  standard: 'IEC_62196_T2',
  format: 'SOCKET' as const,
  power_type: 'AC_3_PHASE' as const,
  max_electric_power: 22_000,
});
const outlets = outletsOf({
  evses: [
    { evseId: 1, evse_id: 'DE*WAT*E1', connectors: [connector(1)] },
    { evseId: 2, evse_id: 'DE*WAT*E2', connectors: [connector(1)] },
  ],
});
const at = (evseId: number, connectorId: number, status: string, version = 1) => ({
  evseId,
  connectorId,
  status,
  version,
});
const choose = (
  wanted: object,
  protocol: 'ocpp1.6' | 'ocpp2.0.1',
  statuses: ReturnType<typeof at>[],
  sessions: { evseId: number | null; connectorId: number | null }[] = [],
) => {
  const choice = chooseOutlet(outlets, wanted, protocol, { statuses, sessions });
  return 'outlet' in choice ? `evse ${choice.outlet.evseId}` : choice.refused;
};

test.each([
  ['1.6 counts connectors through the charger', { connectorId: 2 }, 'ocpp1.6', 'evse 2'],
  ['1.6, by EVSE', { evseId: 2, connectorId: 1 }, 'ocpp1.6', 'evse 2'],
  ['2.x, by EVSE', { evseId: 2 }, 'ocpp2.0.1', 'evse 2'],
  ['by what is printed on it, however it is written', { printedId: 'dewate2' }, 'ocpp2.0.1', 'evse 2'],
  ['2.x: a connector alone may be at either EVSE', { connectorId: 1 }, 'ocpp2.0.1', 'OUTLET_AMBIGUOUS'],
  ['two that can be had, and none is named', {}, 'ocpp1.6', 'OUTLET_AMBIGUOUS'],
  ['there is no such one', { evseId: 3 }, 'ocpp2.0.1', 'OUTLET_UNKNOWN'],
] as const)('%s', (_what, wanted, protocol, chosen) => {
  expect(choose(wanted, protocol, [])).toBe(chosen);
});

test('where one is taken the other is meant', () => {
  expect(choose({}, 'ocpp1.6', [at(1, 1, 'Charging'), at(2, 2, 'Available')])).toBe('evse 2');
  expect(choose({}, 'ocpp1.6', [at(1, 1, 'Charging'), at(2, 2, 'Faulted')])).toBe('OUTLET_OCCUPIED');
  expect(choose({}, 'ocpp1.6', [at(1, 1, 'Unavailable'), at(2, 2, 'Faulted')])).toBe('OUTLET_UNAVAILABLE');
});

test('a session that goes on takes it, whatever its status says', () => {
  expect(choose({ evseId: 1 }, 'ocpp1.6', [at(1, 1, 'Available')], [{ evseId: null, connectorId: 1 }])).toBe(
    'OUTLET_OCCUPIED',
  );
  expect(choose({ evseId: 1 }, 'ocpp2.0.1', [], [{ evseId: 1, connectorId: null }])).toBe('OUTLET_OCCUPIED');
  expect(choose({ evseId: 1 }, 'ocpp2.0.1', [], [{ evseId: 2, connectorId: 1 }])).toBe('evse 1');
});

test('the newest word counts, and what a word is about depends on the version of OCPP', () => {
  const [first, second] = outlets;
  const said = [
    at(1, 1, 'Charging', 5),
    at(1, 1, 'Available', 9),
    at(2, 2, 'Faulted', 7),
    at(0, 0, 'Faulted', 10),
  ];
  expect(statusOf(first!, said, 'ocpp1.6')?.status).toBe('Available');
  expect(statusOf(first!, said, 'ocpp2.0.1')?.status).toBe('Available');
  // The second connector of all is the only one of the second EVSE.
  expect(statusOf(second!, said, 'ocpp1.6')?.status).toBe('Faulted');
  expect(statusOf(second!, said, 'ocpp2.0.1')).toBeUndefined();
  expect(statusOf(second!, [...said, at(2, 1, 'Available')], 'ocpp2.0.1')?.status).toBe('Available');
  expect(choose({ evseId: 2 }, 'ocpp1.6', said)).toBe('OUTLET_UNAVAILABLE');
});

test('a cable that is in and no session (2.x Occupied) can be started; what nobody knows is left to the charger', () => {
  expect(occupancyOf('Occupied')).toBe('plugged');
  expect(occupancyOf(undefined)).toBe('unknown');
  expect(choose({ evseId: 1 }, 'ocpp2.0.1', [at(1, 1, 'Occupied')])).toBe('evse 1');
});

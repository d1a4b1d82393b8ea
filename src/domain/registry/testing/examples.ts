/** One whole entity of each kind, for tests; together they keep the rules between them. */
import type { EntityKind } from '../../messages/cms-events.js';
import type { StateOf } from '../kinds.js';

export const examples: { readonly [K in EntityKind]: StateOf[K] } = {
  station: {
    id: 'st-1',
    publish: true,
    name: 'Harbour',
    address: 'Kade 1',
    city: 'Rotterdam',
    country: 'NLD',
    coordinates: { latitude: '51.92250', longitude: '4.47917' },
    time_zone: 'Europe/Amsterdam',
    opening_times: { twentyfourseven: true },
    operator: { name: 'Wattstream' },
  },
  point: {
    id: 'CP-1',
    station: 'st-1',
    securityProfile: 1,
    passwordHash: 'scrypt$12$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    certificateCommonName: 'SN-0042',
    tariff: 'day',
    evses: [
      {
        evseId: 1,
        evse_id: 'NL*WAT*E0001*1',
        connectors: [
          {
            connectorId: 1,
            standard: 'IEC_62196_T2',
            format: 'SOCKET',
            power_type: 'AC_3_PHASE',
            max_electric_power: 22_000,
            tariff: 'day',
          },
        ],
      },
    ],
  },
  tariff: {
    id: 'day',
    currency: 'EUR',
    elements: [{ price_components: [{ type: 'ENERGY', price: 0.25, vat: 21, step_size: 1 }] }],
  },
  token: {
    uid: '04A2B3C4',
    type: 'RFID',
    account: 'ac-1',
    status: 'Accepted',
    whitelist: 'ALLOWED',
  },
  account: {
    id: 'ac-1',
    role: 'customer',
    name: 'Somebody',
    email: 'somebody@example.com',
    disabled: false,
  },
  outage: {
    id: 'out-1',
    point: 'CP-1',
    from: '2026-04-01T00:00:00Z',
    to: '2026-04-02T00:00:00Z',
    cause: 'utility',
    evidence: 'https://example.com/notice/17',
  },
  webhook: {
    id: 'wh-1',
    url: 'https://example.com/hook',
    patterns: ['session.*'],
    station: 'st-1',
    enabled: true,
    secret: 'sealed',
  },
  'api-key': {
    id: 'key-1',
    name: 'Export',
    account: 'ac-1',
    keyHash: 'c2hhMjU2',
    disabled: false,
  },
};

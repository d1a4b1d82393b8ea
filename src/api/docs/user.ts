/** What customers do: examples, and how it fails. */
import { BYTES, json, type Operations } from './operation.js';

const SESSION = '5f0c2b52-6a53-5d7c-9f0e-0a1b2c3d4e5f';
const REQUEST = 'b2a7e1d0-9f3c-4e57-8a61-3c0d5e7f9a12';

const station = {
  stationId: 'st-1',
  name: 'Harbour',
  address: 'Kade 1',
  postalCode: '3011AA',
  city: 'Rotterdam',
  country: 'NLD',
  timeZone: 'Europe/Amsterdam',
  latitude: 51.9225,
  longitude: 4.47917,
  distanceM: 420,
  free: 1,
  maxPowerW: 22_000,
  outlets: [
    {
      chargePointId: 'CP-1',
      evseId: 1,
      connectorId: 1,
      printedId: 'NL*WAT*E0001*1',
      state: 'free',
      status: 'Available',
      standard: 'IEC_62196_T2',
      format: 'SOCKET',
      powerType: 'AC_3_PHASE',
      powerW: 22_000,
      price: {
        tariff: 'day@3',
        currency: 'EUR',
        words: '0.3025 EUR per kWh',
        components: [
          {
            type: 'ENERGY',
            exclVat: '0.25',
            inclVat: '0.3025',
            vat: '21',
            stepSize: 1,
            restrictions: null,
            words: '0.3025 EUR per kWh',
          },
        ],
      },
    },
  ],
};

const started = {
  requestId: REQUEST,
  kind: 'start',
  state: 'started',
  code: null,
  detail: null,
  chargePointId: 'CP-1',
  stationId: 'st-1',
  evseId: 1,
  connectorId: 1,
  sessionId: SESSION,
  requestedAt: '2026-11-25T11:00:00.000Z',
  deadline: '2026-11-25T11:03:00.000Z',
  endedAt: '2026-11-25T11:00:21.000Z',
};
const accepted = { ...started, state: 'accepted', sessionId: null, endedAt: null };
const stopped = {
  ...started,
  kind: 'stop',
  state: 'stopped',
  requestedAt: '2026-11-25T12:00:00.000Z',
  deadline: '2026-11-25T12:01:00.000Z',
  endedAt: '2026-11-25T12:00:04.000Z',
};

const session = {
  sessionId: SESSION,
  status: 'completed',
  held: false,
  chargePointId: 'CP-1',
  evseId: 1,
  connectorId: 1,
  stationId: 'st-1',
  stationName: 'Harbour',
  startedAt: '2026-11-25T11:00:21.000Z',
  stoppedAt: '2026-11-25T12:00:04.000Z',
  lastSeenAt: '2026-11-25T12:00:04.000Z',
  energyWh: 10_000,
  powerW: null,
  maxPowerW: 11_040,
  socPercent: 80,
  estimated: false,
  stopReason: 'Remote',
  tariff: 'day@3',
  cost: { currency: 'EUR', exclVat: '2.50', inclVat: '3.03', final: true },
  costUnknown: null,
  receipt: `/api/user/charging/sessions/${SESSION}/receipt`,
};

const receipt = {
  number: 'WS-2K9F4T7Q1M3C',
  date: '2026-11-25',
  corrects: null,
  supplier: { name: 'Wattstream', address: 'Kade 1, Rotterdam', vatId: 'NL001234567B01' },
  customer: { accountId: 'ac-1', name: 'Somebody' },
  session: {
    sessionId: SESSION,
    evseId: 'NL*WAT*E0001*1',
    chargePointId: 'CP-1',
    station: { id: 'st-1', name: 'Harbour', address: 'Kade 1', city: '3011AA Rotterdam', country: 'NLD' },
    timeZone: 'Europe/Amsterdam',
    startedAt: '2026-11-25T12:00:21+01:00',
    stoppedAt: '2026-11-25T13:00:04+01:00',
    energyKWh: '10.000',
    estimated: false,
  },
  tariff: 'day@3',
  currency: 'EUR',
  lines: [
    { dimension: 'ENERGY', price: '0.25', vat: '21', quantity: '10', exclVat: '2.5000', inclVat: '3.0250' },
  ],
  vat: [{ rate: '21', basis: '2.50', amount: '0.53' }],
  total: { exclVat: '2.50', vat: '0.53', inclVat: '3.03' },
  explanation: ['Energy: the register at the end less that at the beginning.'],
};

const ASKED = [
  'ACCOUNT_MISSING',
  'ACCOUNT_UNKNOWN',
  'ACCOUNT_DISABLED',
  'CHARGER_OFFLINE',
  'REJECTED_BY_CHARGER',
  'IDEMPOTENCY_KEY_REUSED',
  'IDEMPOTENCY_UNKNOWN',
  'COMMANDS_STARTING',
  'NOT_SENT',
  'REQUEST_PENDING',
  'REGISTRY_NOT_READY',
  'BROKER_UNREACHABLE',
  'QUERY_FAILED',
] as const;
const RECEIPT = [
  'ACCOUNT_MISSING',
  'SESSION_UNKNOWN',
  'SESSION_GOES_ON',
  'SESSION_HELD',
  'SESSION_ORPHAN',
  'COST_UNKNOWN',
  'SUPPLIER_UNKNOWN',
  'RECEIPT_PENDING',
  'QUERY_FAILED',
] as const;

export const USER: Operations = {
  'GET /api/user/stations': {
    answers: { 200: json({ stations: [station], nextCursor: '420_st-1' }) },
    errors: ['ACCOUNT_MISSING', 'QUERY_FAILED'],
  },
  // Its bodies stand with its schema: a charger by its id, or by what is printed on it.
  'POST /api/user/charging/start': {
    answers: { 200: json(started), 202: json(accepted) },
    errors: [
      ...ASKED,
      'TOKEN_UNKNOWN',
      'TOKEN_BLOCKED',
      'CHARGER_UNKNOWN',
      'CHARGER_AMBIGUOUS',
      'OUTLET_UNKNOWN',
      'OUTLET_AMBIGUOUS',
      'OUTLET_OCCUPIED',
      'OUTLET_UNAVAILABLE',
    ],
  },
  'POST /api/user/charging/stop': {
    body: json({ sessionId: SESSION }),
    answers: { 200: json(stopped), 202: json({ ...stopped, state: 'accepted', endedAt: null }) },
    errors: [...ASKED, 'SESSION_UNKNOWN', 'SESSION_ENDED'],
  },
  'GET /api/user/charging/requests/:id': {
    answers: { 200: json(accepted) },
    errors: ['ACCOUNT_MISSING', 'REQUEST_UNKNOWN', 'COMMANDS_STARTING', 'QUERY_FAILED'],
  },
  'GET /api/user/charging/sessions': {
    answers: { 200: json({ sessions: [session], nextCursor: `1764068421000_${SESSION}` }) },
    errors: ['ACCOUNT_MISSING', 'QUERY_FAILED'],
  },
  'GET /api/user/charging/sessions/:id': {
    answers: { 200: json(session) },
    errors: ['ACCOUNT_MISSING', 'SESSION_UNKNOWN', 'QUERY_FAILED'],
  },
  'GET /api/user/charging/sessions/:id/receipt': {
    answers: { 200: { ...json(receipt), 'application/pdf': BYTES } },
    errors: RECEIPT,
  },
  'GET /api/user/charging/sessions/:id/receipt.pdf': {
    answers: { 200: { 'application/pdf': BYTES } },
    errors: RECEIPT,
  },
};

/** Any entity of the kinds that people import and export, texts meant to break files and spreadsheets among them. */
import fc from 'fast-check';
import type { StateOf } from '../kinds.js';

const HOSTILE = [
  '=1+1',
  "'=1+1",
  "''@x",
  '-5',
  '+5',
  '@A1',
  '\t=x',
  '\r',
  '\n',
  'a\nb',
  'a\r\nb',
  ' x ',
  'a,b;c\td',
  '"',
  '""',
  '\\"',
  '[1]',
  '{}',
  'null',
  'TRUE',
  '007',
  '1E5',
  '＝1',
  "'",
  '\ufeffx',
  'ü漢😀',
];

const text = (max: number): fc.Arbitrary<string> =>
  fc
    .oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary', minLength: 1, maxLength: max }))
    .filter((value) => value.length > 0 && value.length <= max);
const printable = (max: number): fc.Arbitrary<string> =>
  fc
    .oneof(
      fc.constantFrom('=x', "'=x", '-5', '+1', '@a', '007', '1E5', '[x', '"q"', 'a;b', ','),
      fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: max }),
    )
    .map((value) => value.replace(/[\s/]/g, '_').slice(0, max));
const id = printable(64);
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });
const instant = fc
  .date({ min: new Date('2000-01-01'), max: new Date('2099-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString());
const degrees = (limit: number) =>
  fc
    .tuple(fc.integer({ min: -limit + 1, max: limit - 1 }), fc.integer({ min: 0, max: 9_999_999 }))
    .chain(([whole, decimals]) =>
      fc.integer({ min: 5, max: 7 }).map((digits) => {
        const text = String(decimals).padStart(7, '0').slice(0, digits);
        return `${whole}.${text}`;
      }),
    );
const displayText = fc.record({ language: fc.constantFrom('en', 'nl'), text: text(512) });
const business = fc.record(
  { name: text(100), website: fc.constant('https://example.com/=1') },
  { requiredKeys: ['name'] },
);
const words = fc.array(fc.oneof(printable(40), text(40)), { maxLength: 3 });
const amount = fc.double({ min: -1_000_000, max: 1_000_000, noNaN: true }).map((value) => value + 0);

/** What is undefined is not there. */
const whole = <T extends object>(fields: { [F in keyof T]-?: fc.Arbitrary<T[F]> }): fc.Arbitrary<T> =>
  fc
    .record(fields as { [F in keyof T]: fc.Arbitrary<T[F]> })
    .map((one) => Object.fromEntries(Object.entries(one).filter(([, value]) => value !== undefined)) as T);

const connector = (connectorId: number) =>
  whole<StateOf['point']['evses'][number]['connectors'][number]>({
    connectorId: fc.constant(connectorId),
    ocpp16ConnectorId: fc.constant(undefined),
    standard: text(40),
    format: fc.constantFrom('SOCKET', 'CABLE'),
    power_type: fc.constantFrom('AC_3_PHASE', 'DC'),
    max_voltage: maybe(fc.integer({ min: 1, max: 1_000 })),
    max_amperage: maybe(fc.integer({ min: 1, max: 1_000 })),
    max_electric_power: fc.integer({ min: 1, max: 1_000_000 }),
    tariff: maybe(id),
  });

const evse = (evseId: number) =>
  whole<StateOf['point']['evses'][number]>({
    evseId: fc.constant(evseId),
    evse_id: maybe(fc.integer({ min: 1, max: 9_999 }).map((number) => `NL*WAT*E${number}`)),
    floor_level: maybe(text(4)),
    physical_reference: maybe(text(16)),
    capabilities: maybe(words),
    connectors: numbered(connector),
  });

/** Numbers once each, in any order. */
const numbered = <T>(one: (number: number) => fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc
    .uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 })
    .chain((numbers) => fc.tuple(...numbers.map(one)));

export const arbitraries = {
  station: whole<StateOf['station']>({
    id,
    country_code: maybe(fc.constant('NL')),
    party_id: maybe(fc.constant('=WS')),
    publish: fc.boolean(),
    name: maybe(text(255)),
    address: text(45),
    city: text(45),
    postal_code: maybe(text(10)),
    state: maybe(text(20)),
    country: fc.constant('NLD'),
    coordinates: fc.record({ latitude: degrees(90), longitude: degrees(180) }),
    time_zone: fc.constant('Europe/Amsterdam'),
    opening_times: maybe(
      fc.constantFrom(
        { twentyfourseven: true },
        {
          twentyfourseven: false,
          regular_hours: [{ weekday: 1, period_begin: '08:00', period_end: '20:00' }],
          exceptional_closings: [],
        },
      ),
    ),
    charging_when_closed: maybe(fc.boolean()),
    parking_type: maybe(fc.constant('ON_STREET')),
    directions: maybe(fc.array(displayText, { maxLength: 2 })),
    facilities: maybe(words),
    operator: maybe(business),
    suboperator: maybe(business),
    owner: maybe(business),
  }),
  // Without secrets: those are never exported.
  point: whole<StateOf['point']>({
    id: fc.oneof(fc.constantFrom('=CP', "'@CP", ' CP ', 'CP,1'), printable(48)),
    station: id,
    name: maybe(text(255)),
    securityProfile: fc.constantFrom(0, 3),
    passwordHash: fc.constant(undefined),
    nextPasswordHash: fc.constant(undefined),
    earlierNextPasswordHashes: fc.constant(undefined),
    // Nobody's to say: it stays what it is, whatever is imported.
    rotation: fc.constant(undefined),
    certificateCommonName: maybe(text(64)),
    localList: maybe(fc.constantFrom('none', 'account', 'all')),
    localListEntries: maybe(fc.integer({ min: 1, max: 100_000 })),
    account: maybe(id),
    tariff: maybe(id),
    meterKeys: fc.constant(undefined),
    vendor: maybe(text(50)),
    model: maybe(text(50)),
    serialNumber: maybe(text(50)),
    clock: maybe(fc.record({ offsetMinutes: fc.integer({ min: -840, max: 840 }) })),
    evses: numbered(evse),
  }),
  tariff: whole<StateOf['tariff']>({
    id,
    country_code: maybe(fc.constant('NL')),
    party_id: maybe(fc.constant('WAT')),
    currency: fc.constantFrom('EUR', 'DKK'),
    type: maybe(fc.constant('REGULAR')),
    tariff_alt_text: maybe(fc.array(displayText, { maxLength: 2 })),
    tariff_alt_url: maybe(fc.constant('https://example.com/a,b')),
    min_price: maybe(fc.record({ excl_vat: amount, incl_vat: amount }, { requiredKeys: ['excl_vat'] })),
    max_price: maybe(fc.record({ excl_vat: amount, incl_vat: amount }, { requiredKeys: ['excl_vat'] })),
    elements: fc.array(
      fc.record({
        price_components: fc.array(
          fc.record({
            type: fc.constantFrom('ENERGY' as const, 'TIME' as const),
            price: amount,
            step_size: fc.integer({ min: 1, max: 3_600 }),
          }),
          { minLength: 1, maxLength: 2 },
        ),
      }),
      { minLength: 1, maxLength: 2 },
    ),
    start_date_time: maybe(instant),
    end_date_time: fc.constant(undefined),
  }),
  token: whole<Omit<StateOf['token'], 'sealed'>>({
    uid: printable(255),
    type: fc.constantFrom('RFID', 'APP_USER'),
    account: maybe(id),
    status: fc.constantFrom('Accepted', 'Blocked'),
    expiresAt: maybe(instant),
    group_id: maybe(printable(255)),
    concurrent: maybe(fc.boolean()),
    tariff: maybe(id),
    contract_id: maybe(text(36)),
    visual_number: maybe(text(64)),
    issuer: maybe(text(64)),
    whitelist: fc.constantFrom('ALLOWED', 'NEVER'),
    language: maybe(fc.constant('nl')),
  }),
  account: whole<Omit<StateOf['account'], 'sealed' | 'erased' | 'versionsInClear' | 'tokensInClear'>>({
    id,
    role: fc.constantFrom('customer', 'operator'),
    name: text(255),
    email: maybe(fc.constant('somebody@example.com')),
    passwordHash: fc.constant(undefined),
    disabled: fc.boolean(),
    stations: maybe(fc.array(id, { maxLength: 3 })),
    language: maybe(fc.constant('nl')),
  }),
  outage: whole<StateOf['outage']>({
    id,
    point: fc.oneof(fc.constantFrom('=CP', ' CP '), printable(48)),
    evseId: maybe(fc.integer({ min: 1, max: 9 })),
    from: fc.constant('2026-04-01T00:00:00+02:00'),
    to: fc.option(fc.constant('2026-04-02T00:00:00Z')),
    cause: fc.constantFrom('utility', 'vehicle'),
    evidence: text(400),
  }),
};

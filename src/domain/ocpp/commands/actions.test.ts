/** The table against the official schemas: what is in one and not in the other fails here. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { payloadsOf } from '../../../fuzz/payloads.js';
import { PROTOCOLS, type Protocol } from '../record.js';
import { chargerActions, knownActions, officialSchema, validateResult } from '../schemas.js';
import { commandActions, judgeAnswer } from './actions.js';

type Json = { [key: string]: unknown };

/** Both sides may send it. */
const BOTH_WAYS = 'DataTransfer';

const fromCsms = (protocol: Protocol): string[] =>
  [...knownActions(protocol)]
    .filter((action) => !chargerActions(protocol).has(action) || action === BOTH_WAYS)
    .sort();

const rows = PROTOCOLS.flatMap((protocol) =>
  [...commandActions(protocol)].map(([action, row]) => [protocol, action, row] as const),
);

test.each(PROTOCOLS)(
  '%s: the table has every action of the official schemas that a CSMS sends, and no other',
  (protocol) => {
    expect([...commandActions(protocol).keys()].sort()).toEqual(fromCsms(protocol));
  },
);

test('every version has as many as it has, so that a schema set that shrinks is noticed', () => {
  expect(PROTOCOLS.map((protocol) => commandActions(protocol).size)).toEqual([26, 40, 55]);
});

const resolved = (schema: Json, part: unknown): Json => {
  const { $ref } = part as { $ref?: string };
  if ($ref === undefined) return part as Json;
  return (schema.definitions as Record<string, Json>)[$ref.split('/').at(-1) as string] as Json;
};
const property = (schema: Json, of: Json, name: string): Json =>
  resolved(schema, (of.properties as Record<string, unknown>)[name]);

test.each(rows)(
  '%s %s: the good statuses are statuses, and a status that exists is looked at',
  (protocol, action, { answer }) => {
    const schema = officialSchema(protocol, action, 'Response') as Json;
    const properties = (schema.properties ?? {}) as Json;
    if (answer.kind === 'none') {
      expect(properties).not.toHaveProperty('status');
      return;
    }
    const holder =
      answer.kind === 'status'
        ? schema
        : resolved(schema, (property(schema, schema, answer.list).items as Json | undefined) ?? {});
    const words = property(schema, holder, answer.kind === 'status' ? 'status' : answer.status)
      .enum as string[];
    for (const good of answer.good.filter((word) => word !== 'AcceptedCanceled' || words.includes(word)))
      expect(words).toContain(good);
  },
);

test.each(rows)(
  '%s %s: numbers of our own stand where the schema has an integer',
  (protocol, action, { own = [] }) => {
    const schema = officialSchema(protocol, action, 'Request') as Json;
    for (const { path } of own) {
      const found = path.reduce<Json>((part, key) => property(schema, part, key), schema);
      expect(found.type).toBe('integer');
    }
  },
);

describe('judging answers', () => {
  test.each([
    ['ocpp1.6', 'ChangeConfiguration', { status: 'RebootRequired' }, true, 'RebootRequired'],
    ['ocpp1.6', 'ChangeConfiguration', { status: 'NotSupported' }, false, 'NotSupported'],
    ['ocpp1.6', 'UnlockConnector', { status: 'Unlocked' }, true, 'Unlocked'],
    ['ocpp1.6', 'ChangeAvailability', { status: 'Scheduled' }, true, 'Scheduled'],
    ['ocpp1.6', 'GetConfiguration', { configurationKey: [] }, true, ''],
    ['ocpp1.6', 'UpdateFirmware', {}, true, ''],
    ['ocpp1.6', 'Reset', {}, false, ''],
    ['ocpp1.6', 'Reset', { status: 'Gladly' }, false, 'Gladly'],
    ['ocpp1.6', 'Reset', { status: 'Accepted', colour: 'red' }, true, 'Accepted'],
    ['ocpp2.0.1', 'Reset', { status: 'Scheduled' }, true, 'Scheduled'],
    ['ocpp2.0.1', 'GetLog', { status: 'AcceptedCanceled' }, true, 'AcceptedCanceled'],
    ['ocpp2.0.1', 'GetInstalledCertificateIds', { status: 'NotFound' }, false, 'NotFound'],
  ] as const)('%s %s %j', (protocol, action, response, accepted, status) => {
    expect(judgeAnswer(protocol, action, response)).toEqual({ accepted, status });
  });

  const set = (...words: string[]) => ({
    setVariableResult: words.map((attributeStatus) => ({ attributeStatus })),
  });
  test.each([
    [set('Accepted', 'Accepted'), true, 'Accepted'],
    [set('Accepted', 'RebootRequired'), true, 'RebootRequired'],
    [set('Accepted', 'UnknownVariable', 'Rejected'), false, 'UnknownVariable'],
    [set(), false, ''],
    [{}, false, ''],
    [{ setVariableResult: 'all' }, false, ''],
    [{ setVariableResult: [null] }, false, ''],
  ])('several results are as good as the worst of them: %j', (response, accepted, status) => {
    expect(judgeAnswer('ocpp2.0.1', 'SetVariables', response)).toEqual({ accepted, status });
  });

  test.each(rows)('%s %s: any valid answer can be judged, and is known to be valid', (protocol, action) => {
    fc.assert(
      fc.property(payloadsOf(officialSchema(protocol, action, 'Response')!), (payload) => {
        expect(validateResult(protocol, action, payload)).toBeUndefined();
        expect(typeof judgeAnswer(protocol, action, payload).accepted).toBe('boolean');
      }),
      { numRuns: 5 },
    );
  });
});

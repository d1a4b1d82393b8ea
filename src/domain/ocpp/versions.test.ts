/** Whatever a charger may send, it gets an answer that its own strict validation accepts. */
import { createRequire } from 'node:module';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { payloadsOf } from '../../fuzz/payloads.js';
import { AUTH_STATUSES, type AuthStatus } from './auth-status.js';
import { PROTOCOLS, type Protocol } from './record.js';
import { type Response, respond } from './respond.js';
import { officialSchema } from './schemas.js';
import { versions } from './versions.js';

const receivedAt = Date.UTC(2026, 10, 23, 18, 34, 46);
const ask = (protocol: Protocol, action: string, payload: unknown, status: AuthStatus): Response =>
  respond(JSON.stringify([2, 'id', action, payload]), protocol, {
    chargePointId: 'CP1',
    receivedAt,
    heartbeatSeconds: 300,
    connectedAt: 0,
    // All that can be told, in the longest form that is told.
    authorize: () => ({
      ...{ status, single: true, expiresAt: receivedAt + 1, language: 'nl' },
      group: 'G'.repeat(protocol === 'ocpp1.6' ? 20 : 36),
    }),
    isElsewhere: () => status === 'Accepted' && action.length % 2 === 0,
  });
const resultOf = (response: Response): Record<string, unknown> => {
  const [type, id, payload] = JSON.parse(response.reply as string) as [
    number,
    string,
    Record<string, unknown>,
  ];
  expect([type, id]).toEqual([3, 'id']);
  return payload;
};

/** The published schema, unrelaxed. */
function strict(protocol: Protocol, action: string): z.ZodType {
  const { $id: _, ...schema } = officialSchema(protocol, action, 'Response') as Record<string, unknown>;
  return z.fromJSONSchema({ ...schema, $schema: 'http://json-schema.org/draft-07/schema#' });
}

// NotifyPeriodicEventStream is a SEND: it has no answer.
const answerable = PROTOCOLS.flatMap((protocol) =>
  [...versions[protocol].keys()]
    .filter((action) => action !== 'NotifyPeriodicEventStream')
    .map((action) => [protocol, action] as const),
);

describe('answers are valid by the official schemas', () => {
  test.each(answerable)('%s %s', (protocol, action) => {
    const schema = strict(protocol, action);
    const payloads = payloadsOf(officialSchema(protocol, action, 'Request')!);
    fc.assert(
      fc.property(payloads, fc.constantFrom(...AUTH_STATUSES), (payload, status) => {
        const response = ask(protocol, action, payload, status);
        // A StartTransaction may be valid and still be of no use: connector -3 cannot start anything.
        if (action === 'StartTransaction' && (payload.connectorId as number) < 0) {
          expect(response.outcome).toBe('schema_violation');
          return;
        }
        expect(response.outcome).toBe('answered');
        const result = resultOf(response);
        expect(schema.safeParse(result).error).toBeUndefined();
        expect(result).not.toHaveProperty('totalCost');
      }),
      { numRuns: 20 },
    );
  });
});

describe('an independent, strict client accepts them (ocpp-rpc, ajv)', () => {
  const require = createRequire(import.meta.url);
  const { createValidator } = require('ocpp-rpc') as {
    createValidator(
      subprotocol: string,
      schemas: unknown[],
    ): { validate(method: string, payload: unknown): unknown };
  };
  const judges = new Map(
    [
      ['ocpp1.6', 'ocpp1_6'],
      ['ocpp2.0.1', 'ocpp2_0_1'],
    ].map(([protocol, file]) => {
      const schemas = require(`ocpp-rpc/lib/schemas/${file}.json`) as unknown[];
      return [protocol as string, createValidator(protocol as string, schemas)] as const;
    }),
  );
  test.each(answerable.filter(([protocol]) => protocol !== 'ocpp2.1'))('%s %s', (protocol, action) => {
    const judge = judges.get(protocol)!;
    fc.assert(
      fc.property(payloadsOf(officialSchema(protocol, action, 'Request')!), (payload) => {
        if (action === 'StartTransaction') payload.connectorId = 1;
        expect(() =>
          judge.validate(`urn:${action}.conf`, resultOf(ask(protocol, action, payload, 'Accepted'))),
        ).not.toThrow();
      }),
      { numRuns: 10 },
    );
  });
  test('it does judge', () => {
    expect(() => judges.get('ocpp1.6')!.validate('urn:Heartbeat.conf', {})).toThrow();
  });
});

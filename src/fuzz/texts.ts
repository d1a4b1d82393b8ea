/** What chargers may send, right and wrong: texts, and messages that are no texts. */
import fc from 'fast-check';
import type { Protocol } from '../domain/ocpp/record.js';
import { PROTOCOLS } from '../domain/ocpp/record.js';
import { chargerActions, knownActions, officialSchema } from '../domain/ocpp/schemas.js';
import { changes, hurtText, type Json, mutated, nasty, textChanges, textOf } from './mutate.js';
import { payloadsOf } from './payloads.js';

export type Message =
  | { readonly kind: 'text'; readonly text: string; readonly pieces: number }
  | { readonly kind: 'binary' | 'broken-utf8'; readonly text: string; readonly pieces: number }
  | { readonly kind: 'ping'; readonly text: string }
  /** Larger than is taken by so many bytes; 0 and below are taken. */
  | { readonly kind: 'large'; readonly by: number };

const payloads = new Map<string, fc.Arbitrary<Json>>();

function payloadOf(protocol: Protocol, action: string): fc.Arbitrary<Json> {
  const key = `${protocol} ${action}`;
  const schema = officialSchema(protocol, action, 'Request');
  const made = payloads.get(key) ?? ((schema ? payloadsOf(schema) : fc.constant({})) as fc.Arbitrary<Json>);
  payloads.set(key, made);
  return made;
}

const ids: fc.Arbitrary<Json> = fc.oneof(
  { weight: 8, arbitrary: fc.uuid() },
  // Few, so that they come twice.
  { weight: 4, arbitrary: fc.constantFrom('1', '2', '3') },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }) },
  { weight: 2, arbitrary: fc.constantFrom(36, 37, 255, 256, 5_000).map((length) => 'i'.repeat(length)) },
  { weight: 2, arbitrary: nasty },
);

const calls = (protocol: Protocol, id: fc.Arbitrary<Json> = fc.uuid()): fc.Arbitrary<Json[]> =>
  fc
    .constantFrom(...chargerActions(protocol))
    .chain((action) =>
      fc.tuple(id, payloadOf(protocol, action)).map(([id, payload]): Json[] => [2, id, action, payload]),
    );

/** CALLs of our side, of other versions, and of nobody. */
const strangeCalls = (protocol: Protocol): fc.Arbitrary<Json> =>
  fc.oneof(
    ...PROTOCOLS.filter((other) => other !== protocol).map((other) => calls(other)),
    fc.tuple(ids, fc.constantFrom(...knownActions(protocol)), nasty).map((rest): Json => [2, ...rest]),
    fc.tuple(ids, nasty, nasty).map((rest): Json => [2, ...rest]),
  );

/** Answers to CALLs that nobody made, messages of 2.1, and types that there are not. */
const otherFrames: fc.Arbitrary<Json> = fc.oneof(
  fc.tuple(ids, nasty).map((rest): Json => [3, ...rest]),
  fc
    .tuple(ids, fc.constantFrom<Json>('GenericError', 'x', 7), nasty, nasty)
    .map((rest): Json => [4, ...rest]),
  fc.tuple(ids, nasty, nasty).map((rest): Json => [5, ...rest]),
  fc
    .tuple(ids, fc.constantFrom<Json>('NotifyPeriodicEventStream', 'x'), nasty)
    .map((rest): Json => [6, ...rest]),
  fc.tuple(nasty, ids).map((rest): Json => [...rest]),
  fc.array(nasty, { maxLength: 6 }).map((rest): Json => [2, ...rest]),
);

const jsonTexts = (protocol: Protocol): fc.Arbitrary<Json> =>
  fc.oneof(
    { weight: 4, arbitrary: calls(protocol, ids) },
    {
      weight: 8,
      arbitrary: fc
        .tuple(calls(protocol, ids), fc.array(changes, { minLength: 1, maxLength: 4 }))
        .map(([call, list]) => [...call.slice(0, 3), mutated(call[3] as Json, list)]),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(calls(protocol), fc.array(changes, { minLength: 1, maxLength: 3 }))
        .map(([call, list]) => mutated(call, list)),
    },
    { weight: 2, arbitrary: strangeCalls(protocol) },
    { weight: 3, arbitrary: otherFrames },
    { weight: 1, arbitrary: nasty },
  );

const texts = (protocol: Protocol): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 9, arbitrary: jsonTexts(protocol).map(textOf) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(jsonTexts(protocol), fc.array(textChanges, { minLength: 1, maxLength: 3 }))
        .map(([value, list]) => hurtText(textOf(value), list)),
    },
  );

const pieces = fc.oneof(
  { weight: 6, arbitrary: fc.constant(1) },
  { weight: 1, arbitrary: fc.integer({ min: 2, max: 9 }) },
);

const messages = (protocol: Protocol): fc.Arbitrary<Message> =>
  fc.oneof(
    {
      weight: 60,
      // What goes over a wire has no halves of surrogate pairs.
      arbitrary: fc.record({
        kind: fc.constant('text' as const),
        text: texts(protocol).map((text) => text.toWellFormed()),
        pieces,
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('ping' as const), text: fc.string({ maxLength: 20 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constantFrom('binary' as const, 'broken-utf8' as const),
        text: calls(protocol).map(textOf),
        pieces,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('large' as const), by: fc.constantFrom(-1, 0, 1, 70_000) }),
    },
  );

/** What one connection says before it leaves. */
export const talks = (protocol: Protocol): fc.Arbitrary<Message[]> =>
  fc.array(messages(protocol), { minLength: 1, maxLength: 12 });

/** Every action that a charger may send, once, so that whatever is made at its first use has been made. */
export function everyAction(protocol: Protocol): Message[] {
  return [...chargerActions(protocol)].map((action, number) => {
    const [payload] = fc.sample(payloadOf(protocol, action), { seed: 1, numRuns: 1 });
    return { kind: 'text', text: textOf([2, `every-${number}`, action, payload as Json]), pieces: 1 };
  });
}

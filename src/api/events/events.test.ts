/** The document is what outside programs are written against: whole, true to the schemas, and well formed. */
import { describe, expect, test } from '@jest/globals';
import { chargingEvent } from '../../domain/messages/charging-events.js';
import { cmsEvent } from '../../domain/messages/cms-events.js';
import { loginEvent } from '../../domain/messages/login-events.js';
import { KINDS } from '../../domain/registry/kinds.js';
import { CATALOGUE } from './catalogue.js';
import { asyncApi } from './document.js';
import { EXAMPLES } from './examples.js';
import { eventsPage } from './page.js';

const document = asyncApi();
const messages = CATALOGUE.flatMap((channel) => channel.messages);

describe('examples', () => {
  test.each(messages.map((message) => [message.name, message] as const))(
    '%s',
    (_, { shape, example, type }) => {
      expect(example).toBeDefined();
      // Nothing in it that the schema does not know, nothing missing.
      expect(shape.parse(example)).toEqual(example);
      if (type !== undefined) expect(example).toMatchObject({ type });
    },
  );

  test('every type that can be published has one', () => {
    for (const [type, example] of Object.entries(EXAMPLES)) {
      const shape =
        [cmsEvent, loginEvent].find((_, n) => type.startsWith(['cms.', 'login.'][n]!)) ?? chargingEvent;
      expect(shape.safeParse(example).success).toBe(true);
      expect(messages.map(({ name }) => name)).toContain(type);
    }
    expect(messages.every(({ summary }) => summary !== '')).toBe(true);
  });

  test('no example shows a secret', () => {
    const secrets = Object.values(KINDS).flatMap(({ secrets }) => secrets);
    for (const example of Object.values(EXAMPLES))
      for (const secret of secrets) expect(JSON.stringify(example)).not.toContain(`"${secret}"`);
  });
});

describe('the AsyncAPI document', () => {
  test('every reference leads somewhere', () => {
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => path!);
    expect(refs.length).toBeGreaterThan(100);
    for (const path of new Set(refs)) {
      let at: unknown = document;
      for (const part of path.split('/')) at = (at as Record<string, unknown>)[part];
      expect({ path, found: typeof at }).toEqual({ path, found: 'object' });
    }
  });

  test('has what version 3.0 asks for', () => {
    expect(document).toMatchObject({ asyncapi: '3.0.0', info: { title: expect.any(String), version: '1' } });
    for (const operation of Object.values(document.operations)) {
      expect(['send', 'receive']).toContain(operation.action);
      expect(operation.channel).toMatchObject({ $ref: expect.stringMatching(/^#\/channels\//) });
    }
    for (const key of [
      ...Object.keys(document.components.messages),
      ...Object.keys(document.components.schemas),
    ])
      expect(key).toMatch(/^[\w.-]+$/);
  });

  test('a reader is not told that later additions are faults', () => {
    expect(JSON.stringify(document.components)).not.toContain('"additionalProperties":false');
  });

  test('the exchanges, the live connection and webhooks are all in it', () => {
    expect(Object.values(document.channels).map(({ address }) => address)).toEqual([
      'charging.events',
      'cms.events',
      'cms.logins',
      'notifications',
      'charging.commands',
      'commands.kept',
      '/socket.io/',
      '/socket.io/',
      'the URL of the subscription',
    ]);
  });
});

test('the page has every message, and neither scripts nor anything from elsewhere', () => {
  const page = eventsPage(document);
  for (const { name } of messages) expect(page).toContain(`>${name}</h3>`);
  expect(page).not.toMatch(/<script|(src|href)="(https?:)?\/\/|\son\w+=/);
});

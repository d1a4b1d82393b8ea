import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { makeDeadLetters } from '../../../test/dead-letters.js';
import { createTestQueues, type TestQueues } from '../../../test/queues.js';
import { readSettings } from '../../platform/config.js';
import { checkQueues, judgeWork } from './queues.js';

jest.setTimeout(60_000);

const management = process.env.RABBITMQ_MANAGEMENT_URL;
let broker: TestQueues;
afterEach(() => broker.close());

const examine = async () => {
  const settings = { ...readSettings(), WATTSTREAM_PREFIX: broker.prefix };
  const findings = await checkQueues(settings, management);
  return Object.fromEntries(findings.map((finding) => [finding.check, finding]));
};
const verdicts = async () =>
  Object.fromEntries(Object.entries(await examine()).map(([check, { verdict }]) => [check, verdict]));

describe('the doctor on exchanges and queues', () => {
  const well = {
    exchanges: 'ok',
    queues: 'ok',
    bindings: management ? 'ok' : 'unknown',
    'dead letters': 'ok',
    notifications: 'unknown',
    'kept commands': 'unknown',
    'local lists': 'unknown',
  };

  test('when all is there it says so, and changes nothing', async () => {
    broker = await createTestQueues();
    expect(await verdicts()).toEqual(well);
    await broker.declare();
    expect(await verdicts()).toEqual(well);
  });

  test('what is missing is named, and not declared', async () => {
    broker = await createTestQueues();
    const channel = await broker.admin.createChannel();
    await channel.deleteExchange(broker.names.exchanges.commands);
    await channel.deleteQueue(broker.names.streams.cmsEvents);
    for (let twice = 0; twice < 2; twice++) {
      const { exchanges, queues } = await examine();
      expect(exchanges).toMatchObject({
        verdict: 'wrong',
        found: `missing: ${broker.names.exchanges.commands}`,
      });
      expect(queues).toMatchObject({ verdict: 'wrong', found: `missing: ${broker.names.streams.cmsEvents}` });
    }
  });

  (management ? test : test.skip)('an exchange that no longer feeds its stream is found out', async () => {
    broker = await createTestQueues();
    const { exchanges, streams } = broker.names;
    const channel = await broker.admin.createChannel();
    await channel.unbindQueue(streams.chargingEvents, exchanges.chargingEvents, '#');
    expect((await examine()).bindings).toMatchObject({
      verdict: 'wrong',
      found: `missing: ${exchanges.chargingEvents} to ${streams.chargingEvents}`,
    });
  });

  test('dead letters wait for somebody: that is wrong until he has decided', async () => {
    broker = await createTestQueues();
    await makeDeadLetters(broker, ['n1', 'n2']);
    expect((await examine())['dead letters']).toMatchObject({
      verdict: 'wrong',
      found: '2 could not be worked on',
      remedy: expect.stringContaining('wattstream dead-letters list'),
    });
    expect(await broker.count(broker.names.queues.deadLetters)).toBe(2);
    expect(judgeWork('notifications', { messages: 5_000, consumers: 0 }).verdict).toBe('wrong');
    expect(judgeWork('notifications', { messages: 5_000, consumers: 1 }).verdict).toBe('ok');
    expect(judgeWork('notifications', { messages: 5, consumers: 0 }).verdict).toBe('unknown');
  });
});

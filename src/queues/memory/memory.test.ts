import { expect, test } from '@jest/globals';
import { anomaly } from '../../../test/messages.js';
import type { WattstreamError } from '../../platform/errors.js';
import { until } from '../../streams/streams.contract.js';
import { queuesContract } from '../queues.contract.js';
import { MemoryQueues } from './queues.js';

queuesContract('in memory', async () => {
  const queues = new MemoryQueues();
  return {
    publisher: (limits) => queues.eventPublisher(limits),
    sender: () => queues.sender(),
    receiver: (_, handler) => queues.receive(handler),
    kept: () => queues.keptCommands(),
    wakes: () => queues.listWakes(),
    feed: () => queues.notificationFeed(),
    log: (which) => queues.eventLog(which),
    away: async () => queues.away(),
    back: async () => queues.back(),
    recreate: async () => queues.chargingEvents.recreate(),
    close: async () => {
      await queues.chargingEvents.close();
      await queues.cmsEvents.close();
      await queues.logins.close();
    },
  };
});

test('retention that has passed a follower is found out when it begins', async () => {
  const queues = new MemoryQueues();
  const publisher = queues.eventPublisher();
  for (const id of ['e0', 'e1', 'e2']) await publisher.publishChargingEvent(anomaly(id));
  queues.chargingEvents.truncateBefore(2);
  const refusals: WattstreamError[] = [];
  queues.eventLog().follow({
    from: { after: 0 },
    accept: () => {},
    refused: (error) => void refusals.push(error),
  });
  await until(() => refusals.length > 0, 'the refusal');
  expect(refusals[0]).toMatchObject({ code: 'RETENTION_PASSED_POSITION' });
});

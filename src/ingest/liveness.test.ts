import { expect, test } from '@jest/globals';
import { GatedPublisher } from '../../test/support/gated-publisher.js';
import { aWhile, testIngest, until } from '../../test/support/ingest.js';
import { silentLogger } from '../platform/logger.js';
import { LatePublisher } from './late-publisher.js';
import { sayAlive } from './liveness.js';

test('GatewayStarted at once, GatewayAlive from then on; while confirms are missing they do not pile up', async () => {
  const publisher = new GatedPublisher();
  publisher.hold();
  const liveness = sayAlive({ publisher, gateway: 'gw', now: () => 7, log: silentLogger, everyMs: 5 });
  await aWhile(40);
  expect(publisher.toAll).toMatchObject([
    { subject: 'GatewayStarted', chargePointId: 'gw', gateway: 'gw', receivedAt: 7 },
  ]);
  publisher.flow();
  await until(() => publisher.toAll.length >= 3);
  liveness.close();
  expect(publisher.toAll[2]).toMatchObject({ subject: 'GatewayAlive' });
});

test('a gateway starts while the broker is away: 503 and not ready, until the publisher has arrived', async () => {
  const publisher = new LatePublisher(4);
  const ingest = await testIngest<LatePublisher>({ publisher });
  try {
    expect(ingest.ready()).toBe('no confirms from RabbitMQ');
    await expect(ingest.charger('CP')).rejects.toThrow(/503/);
    await expect(publisher.publishToAll({} as never)).rejects.toMatchObject({ code: 'PUBLISHER_CLOSED' });
    const real = new GatedPublisher();
    real.state = 'stalled';
    publisher.arrive(real);
    await expect(ingest.charger('CP')).rejects.toThrow(/503/);
    real.become('flowing');
    expect(ingest.ready()).toBeUndefined();
    const cp = await ingest.charger('CP');
    await cp.answer(cp.call('Heartbeat'));
    expect(real.handed.map((record) => record.subject)).toEqual(['Connected', 'Heartbeat']);
    real.become('stalled');
    expect(await cp.closed).toMatchObject({ code: 1013 });
  } finally {
    await ingest.close();
  }
});

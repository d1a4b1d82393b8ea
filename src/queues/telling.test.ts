import { expect, test } from '@jest/globals';
import type { ChargingEventMessage } from '../domain/messages/charging-events.js';
import { type Notification, notification } from '../domain/messages/notifications.js';
import { silentLogger } from '../platform/logger.js';
import { telling } from './telling.js';

const sent: ChargingEventMessage = {
  id: 'c1:sent',
  schema: 1,
  at: '2026-11-25T12:00:00.000Z',
  type: 'command.sent',
  chargePointId: 'CP-1',
  commandId: 'b2a7e1d0-9f3c-4e57-8a61-3c0d5e7f9a12',
  gateway: 'g1',
  connection: 'g1-1',
};

function start(refuses: { event?: boolean; notification?: boolean } = {}) {
  const order: string[] = [];
  const told: Notification[] = [];
  const events = telling({
    publisher: {
      async publishChargingEvent({ id }) {
        if (refuses.event) throw new Error('full');
        order.push(`event ${id}`);
      },
      async publishNotification(one) {
        if (refuses.notification) throw new Error('full');
        order.push(`notification ${one.id}`);
        told.push(one);
      },
    },
    stationOf: (id) => (id === 'CP-1' ? 'st-1' : undefined),
    log: silentLogger,
  });
  return { events, order, told };
}

test('the event first, then whom it concerns is told, under the same id', async () => {
  const { events, order, told } = start();
  await events.publishChargingEvent(sent);
  expect(order).toEqual(['event c1:sent', 'notification c1:sent']);
  expect(notification.parse(told[0])).toMatchObject({
    type: 'command.sent',
    audience: { stationId: 'st-1', accountId: null },
    event: sent,
  });
});

test('what is not on record is told to nobody', async () => {
  const { events, told } = start({ event: true });
  await expect(events.publishChargingEvent(sent)).rejects.toThrow('full');
  expect(told).toEqual([]);
});

test('a command goes on although nobody can be told', async () => {
  await expect(start({ notification: true }).events.publishChargingEvent(sent)).resolves.toBeUndefined();
});

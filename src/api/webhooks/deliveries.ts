/** What became of attempts lately, per subscription: out of a stream that every process reads, so each can tell. */
import { z } from 'zod';
import type { EventLog } from '../../streams/ports.js';

export const delivery = z
  .object({
    webhookId: z.string(),
    notificationId: z.string(),
    type: z.string(),
    attempt: z.int(),
    at: z.string(),
    outcome: z.enum(['delivered', 'failed', 'gone', 'given-up']),
    status: z.int().nullable().describe('HTTP status; null when there was no answer'),
    detail: z.string(),
    elapsedMs: z.number(),
  })
  .meta({ id: 'WebhookDelivery' });
export type DeliveryRecord = z.infer<typeof delivery>;

const KEPT = 100;

export class RecentDeliveries {
  private readonly byWebhook = new Map<string, DeliveryRecord[]>();
  private readonly following: { close(): Promise<void> };

  constructor(log: EventLog, since: number) {
    this.following = log.follow({ from: { since }, accept: ({ body }) => this.take(body) });
  }

  /** Newest first. */
  of(webhookId: string): DeliveryRecord[] {
    return [...(this.byWebhook.get(webhookId) ?? [])].reverse();
  }

  close(): Promise<void> {
    return this.following.close();
  }

  private take(body: string): void {
    let record: DeliveryRecord;
    try {
      record = delivery.parse(JSON.parse(body));
    } catch {
      return;
    }
    const list = this.byWebhook.get(record.webhookId) ?? [];
    list.push(record);
    if (list.length > KEPT) list.shift();
    this.byWebhook.set(record.webhookId, list);
  }
}

/** Events of commands as a test tells them: a growing log, in which every event has the next offset. */
import type { EventRecord } from '../../../streams/ports.js';

export type Event = Record<string, unknown> & { id: string; type: string };

export const commandId = (n: number): string => `00000000-0000-5000-8000-${String(n).padStart(12, '0')}`;

/** `10:00:05` of the day of the story. */
export const at = (clock: string): string => `2026-11-25T${clock.padEnd(8, ':00')}.000Z`;

export class Script {
  readonly records: EventRecord[] = [];

  /** The same event may be given again: it is another record. */
  say(event: Event): this {
    const offset = this.records.length;
    this.records.push({
      offset,
      routingKey: event.type,
      id: event.id,
      app: 'test',
      publishedAt: Date.parse(String(event.at)),
      body: JSON.stringify(event),
    });
    return this;
  }

  step(n: number, step: string, clock: string, more: Record<string, unknown> = {}): this {
    const { chargePointId = 'CP-1', id = `${commandId(n)}/${step}`, ...rest } = more;
    return this.say({
      id: String(id),
      schema: 1,
      type: `command.${step}`,
      at: at(clock),
      chargePointId,
      commandId: commandId(n),
      ...rest,
    });
  }

  requested(
    n: number,
    action: string,
    clock: string,
    payload: object,
    more: Record<string, unknown> = {},
  ): this {
    return this.step(n, 'requested', clock, {
      action,
      operation: null,
      protocol: 'ocpp1.6',
      payload,
      digest: `digest-${n}`,
      actor: 'operator:eve',
      deadline: at('23:59'),
      queueUntil: null,
      ...more,
    });
  }

  /** Requested, sent a second later in log order and accepted: the way of nearly all. */
  accepted(
    n: number,
    action: string,
    clock: string,
    payload: object,
    { response = { status: 'Accepted' }, ...more }: Record<string, unknown> = {},
  ): this {
    const held = { gateway: 'g1', connection: 'c1' };
    const whose = more.chargePointId === undefined ? {} : { chargePointId: more.chargePointId };
    const status = String((response as { status?: string }).status ?? '');
    return this.requested(n, action, clock, payload, more)
      .step(n, 'sent', clock, { ...held, ...whose })
      .step(n, 'accepted', clock, { ...held, ...whose, status, response });
  }
}

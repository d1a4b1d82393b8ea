/**
 * A charger written from the texts of OCPP alone: it shares nothing with the simulator and nothing with the code
 * under test, so that a misreading of the specification cannot stand on both sides.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type ChargerLink, connectCharger } from './charger-link.js';

export type Protocol = 'ocpp1.6' | 'ocpp2.0.1' | 'ocpp2.1';
type Json = Record<string, unknown>;

/** Between attempts of an unanswered CALL, and to get in (OCPP 1.6 section 3.7.1 has minutes). */
const RETRY_MS = 200;
const SILENCE_MS = 5_000;

export const iso = (at: number): string => new Date(at).toISOString();

export class Outsider {
  private link: ChargerLink | undefined;
  private calls = 0;
  /** Ids of the CALLs that were answered. */
  readonly answered: string[] = [];

  /** `url` is asked at each connect: a gateway that was replaced may have another port. */
  constructor(
    private readonly url: () => string,
    readonly id: string,
    readonly protocol: Protocol = 'ocpp1.6',
  ) {}

  /** Says it until it is answered, under a new message id each time; throws at a CALLERROR. */
  async say(action: string, payload: Json): Promise<Json> {
    for (;;) {
      const messageId = `m${++this.calls}`;
      try {
        this.link ??= await connectCharger(this.url(), this.id, this.protocol);
        const answer = await Promise.race([
          this.link.call(JSON.stringify([2, messageId, action, payload])),
          sleep(SILENCE_MS, undefined, { ref: false }),
        ]);
        if (answer !== undefined) {
          if (answer[0] !== 3) throw new CallError(`${this.id} ${action}: ${JSON.stringify(answer)}`);
          this.answered.push(messageId);
          return answer[2] as Json;
        }
      } catch (error) {
        if (error instanceof CallError) throw error;
      }
      this.link = undefined;
      await sleep(RETRY_MS);
    }
  }

  async start(at: number, meterStart: number, idTag = 'TAG', connectorId = 1): Promise<number> {
    const timestamp = iso(at);
    const answer = await this.say('StartTransaction', { connectorId, idTag, meterStart, timestamp });
    return answer.transactionId as number;
  }

  stop(at: number, meterStop: number, transactionId: number, more: Json = {}): Promise<Json> {
    return this.say('StopTransaction', { transactionId, meterStop, timestamp: iso(at), ...more });
  }

  /** Registers of the outlet: [time, value as text, unit]. */
  meter(transactionId: number | undefined, values: [number, string, string?][], connectorId = 1) {
    return this.say('MeterValues', {
      connectorId,
      ...(transactionId === undefined ? {} : { transactionId }),
      meterValue: values.map(([at, value, unit = 'Wh']) => ({
        timestamp: iso(at),
        sampledValue: [{ value, unit }],
      })),
    });
  }

  /** A TransactionEvent; `registers` as [time, Wh, context]. */
  event(
    eventType: 'Started' | 'Updated' | 'Ended',
    seqNo: number,
    at: number,
    registers: [number, number, string?][] = [],
    more: Json = {},
  ): Promise<Json> {
    return this.say('TransactionEvent', {
      eventType,
      timestamp: iso(at),
      triggerReason: 'Trigger',
      seqNo,
      transactionInfo: { transactionId: 'tx' },
      meterValue:
        registers.length === 0
          ? undefined
          : registers.map(([when, value, context]) => ({
              timestamp: iso(when),
              sampledValue: [{ value, context }],
            })),
      ...more,
    });
  }

  async close(): Promise<void> {
    await this.link?.close();
    this.link = undefined;
  }
}

class CallError extends Error {}

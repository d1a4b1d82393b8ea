/**
 * Who came in and who could not, as events (`ops.login.*`, `ops.key.used`), so that it lies with everything else that
 * happened in `charging.events.log` and in the table `charging_events`. No password, token or e-mail address goes there.
 *
 * Nobody waits for it: while the broker is away, an event waits in memory (as many as WATTSTREAM_EVENTS_UNCONFIRMED_MAX), and
 * a process that dies takes those with it.
 */
import { createHmac, randomUUID } from 'node:crypto';
import type { AccessEvent } from '../../domain/messages/charging-events.js';
import { messageOf } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import type { EventPublisher } from '../../queues/ports.js';

export interface Audited {
  readonly type: AccessEvent['type'];
  /** Default: a new one. Two processes that say the same give it the same. */
  readonly id?: string;
  readonly actor?: string;
  readonly accountId?: string;
  readonly loginId?: string;
  readonly emailHash?: string;
  readonly address: string;
  readonly detail?: string;
}

export interface AuditOptions {
  readonly publisher: Pick<EventPublisher, 'publishChargingEvent'>;
  readonly now: () => number;
  readonly log: Logger;
}

export type Audit = (what: Audited) => void;

export const auditTo =
  ({ publisher, now, log }: AuditOptions): Audit =>
  ({ type, id, actor, accountId, loginId, emailHash, address, detail }) => {
    publisher
      .publishChargingEvent({
        id: id ?? randomUUID(),
        schema: 1,
        at: new Date(now()).toISOString(),
        type,
        actor: actor ?? '',
        accountId: accountId ?? '',
        loginId: loginId ?? null,
        emailHash: emailHash ?? '',
        address,
        detail: detail ?? '',
      })
      .catch((error: unknown) =>
        log.error(
          { code: 'AUDIT_LOST', type, accountId, address, error: messageOf(error) },
          'who came in, or could not, is not on record',
        ),
      );
  };

/** The same address, whatever its case, has the same one; without the secret it cannot be found by trying. */
export const emailHasher =
  (secret: string) =>
  (email: string): string =>
    createHmac('sha256', secret)
      .update(`e-mail address: ${email.toLowerCase()}`)
      .digest('base64url')
      .slice(0, 22);

/**
 * A record of `cms.events.log` as a row, with what the registry's rules made of it at its place in the log. They need all
 * that came before, so this stream is read from its first record at every start (it is kept for ever, and changes of the
 * registry are few beside what chargers say); rows are written for what is not stored yet.
 *
 * No secret gets into a row: what the table of kinds calls one is left out, and of what cannot be read (a kind of a later
 * version, say) nothing but its place is kept.
 */
import { type CmsEvent, cmsEvent, isRetired } from '../../domain/messages/cms-events.js';
import { redact } from '../../domain/ocpp/redact.js';
import { evolve, type Verdict } from '../../domain/registry/evolve.js';
import { withoutSecrets } from '../../domain/registry/kinds.js';
import { emptyState } from '../../domain/registry/state.js';
import type { EventRecord } from '../../streams/ports.js';
import type { Table } from '../pipeline/tables.js';
import { dateTime, text } from '../pipeline/tsv.js';
import { precedenceOf } from './charging-events.js';
import { fieldsOf } from './fields.js';

export const CMS_EVENTS: Table = {
  name: 'cms_events_rows',
  columns: [
    'kind',
    'entity_id',
    'id',
    'type',
    'version',
    'actor',
    'at',
    'verdict',
    'reason',
    'state',
    'epoch',
    'offset',
    'precedence',
  ],
};

/** To be called with every record of the stream from its first on; `judges: false` when its beginning is gone. */
export function cmsEventLines(epoch: number, judges: boolean): (record: EventRecord) => string {
  const registry = emptyState();
  return (record) => {
    const event = readEvent(record.body);
    if (event === undefined) return unjudged(record, epoch);
    const verdict = judges ? evolve(registry, event) : undefined;
    return eventLine(record, epoch, event, verdict);
  };
}

function readEvent(body: string): CmsEvent | undefined {
  try {
    return cmsEvent.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}

function eventLine(
  record: EventRecord,
  epoch: number,
  event: CmsEvent,
  verdict: Verdict | undefined,
): string {
  const { kind, entityId, id, type, version, actor, at, state } = event;
  const shown = state === null ? '' : redact(JSON.stringify(withoutSecrets(kind, state)));
  return [
    kind,
    text(entityId),
    text(id),
    text(type),
    version,
    text(actor),
    dateTime(Date.parse(at)),
    verdict?.verdict ?? '',
    verdict?.verdict === 'void' ? verdict.reason : '',
    text(shown),
    epoch,
    record.offset,
    precedenceOf(epoch, record.offset),
  ].join('\t');
}

/** Of a kind of former versions: nobody judges it any more. Else it cannot be read. */
function unjudged(record: EventRecord, epoch: number): string {
  const fields = fieldsOf(record.body);
  const retired = isRetired(record.routingKey) && fields !== undefined;
  return [
    retired ? text(fields.text('kind')) : 'unreadable',
    retired ? text(fields.text('entityId')) : '',
    text(fields?.text('id') || record.id || `${epoch}/${record.offset}`),
    text(fields?.text('type') || record.routingKey),
    retired ? (fields.number('version') ?? 0) : 0,
    text(fields?.text('actor') ?? ''),
    dateTime(fields?.time('at') ?? record.publishedAt),
    retired ? '' : 'void',
    retired ? '' : 'UNREADABLE',
    '',
    epoch,
    record.offset,
    precedenceOf(epoch, record.offset),
  ].join('\t');
}

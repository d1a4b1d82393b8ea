/**
 * A record of `charging.events.log` as a row. Whatever was published becomes one: what this version knows of it goes
 * into columns, and the whole message stands beside them, so that a type or a field of a later version is kept too.
 * (Of receipts the customer's name is left out.) What is none of our messages is kept under the topic `unreadable`, keyed by its position.
 */
import { redact } from '../../domain/ocpp/redact.js';
import type { EventRecord } from '../../streams/ports.js';
import { type Table, versionOf } from '../pipeline/tables.js';
import { dateTime, dateTimeOrNull, NULL, text } from '../pipeline/tsv.js';
import { type Fields, fieldsOf } from './fields.js';

export const CHARGING_EVENTS: Table = {
  name: 'charging_events_rows',
  columns: [
    'topic',
    'charge_point_id',
    'subject',
    'id',
    'type',
    'at',
    'session_id',
    'command_id',
    'station_id',
    'account_id',
    'action',
    'operation',
    'actor',
    'protocol',
    'gateway',
    'connection',
    'status',
    'code',
    'detail',
    'delivery',
    'digest',
    'deadline',
    'queue_until',
    'payload',
    'epoch',
    'offset',
    'precedence',
  ],
};

/** Greatest for the lowest place in the log: of several rows of one key that one stays. Exact, since places are. */
export const precedenceOf = (epoch: number, offset: number): number =>
  Number.MAX_SAFE_INTEGER - versionOf(epoch, offset);

const NO_COMMAND = '00000000-0000-0000-0000-000000000000';
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const uuid = (value: string): string => (UUID.test(value) ? value : NULL);

export function chargingEventLine(record: EventRecord, epoch: number): string {
  const fields = fieldsOf(record.body);
  const id = fields?.text('id') || record.id;
  const type = fields?.text('type') ?? '';
  if (fields === undefined || id === '' || type === '') return unreadable(record, epoch);
  const session = fields.within('session');
  const about = (name: string) => fields.text(name) || (session?.text(name) ?? '');
  const topic = type.split('.', 1)[0] as string;
  const sessionId = about('sessionId');
  const commandId = fields.text('commandId');
  // Without its command it would be a step of all the others like it.
  if (topic === 'command' && !UUID.test(commandId)) return unreadable(record, epoch);
  return [
    text(topic),
    text(fields.text('chargePointId')),
    text(topic === 'command' ? commandId : sessionId || outletOf(fields)),
    text(id),
    text(type),
    dateTime(fields.time('at') ?? record.publishedAt),
    uuid(sessionId),
    topic === 'command' ? commandId : NO_COMMAND,
    text(about('stationId')),
    text(about('accountId')),
    text(fields.text('action')),
    text(fields.text('operation')),
    text(fields.text('actor')),
    text(fields.text('protocol')),
    text(fields.text('gateway')),
    text(fields.text('connection')),
    text(about('status')),
    text(fields.text('code') || fields.text('errorCode') || fields.text('kind')),
    text(fields.text('detail') || fields.text('description')),
    text(fields.text('delivery')),
    text(fields.text('digest')),
    dateTimeOrNull(fields.time('deadline') ?? null),
    dateTimeOrNull(fields.time('queueUntil') ?? null),
    text(redact(type === 'charging.receipt' ? nameless(record.body) : record.body)),
    epoch,
    record.offset,
    precedenceOf(epoch, record.offset),
  ].join('\t');
}

/** Receipts of before 2026-11-26 have the customer's name in them, which no table keeps. */
const nameless = (body: string): string =>
  body.replace(/("customer":{"accountId":"(?:[^"\\]|\\.)*","name":)"(?:[^"\\]|\\.)*"/g, '$1null');

const outletOf = (fields: Fields): string =>
  fields.number('connectorId') === undefined
    ? ''
    : `${fields.number('evseId') ?? ''}/${fields.number('connectorId')}`;

function unreadable(record: EventRecord, epoch: number): string {
  const row: Record<string, string | number> = {
    topic: 'unreadable',
    id: `${epoch}/${record.offset}`,
    type: text(record.routingKey),
    at: dateTime(record.publishedAt),
    session_id: NULL,
    command_id: NO_COMMAND,
    deadline: NULL,
    queue_until: NULL,
    payload: text(redact(record.body)),
    epoch,
    offset: record.offset,
    precedence: precedenceOf(epoch, record.offset),
  };
  return CHARGING_EVENTS.columns.map((column) => row[column] ?? '').join('\t');
}

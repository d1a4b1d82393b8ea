/** What is done about a charging point over OCPP: examples, and how it fails. */
import { json, type Operations } from './operation.js';

const commandId = 'b2a7e1d0-9f3c-4e57-8a61-3c0d5e7f9a12';
const rotation = {
  state: 'accepted',
  since: '2026-11-25T12:00:00.000Z',
  commandId,
  changedAt: '2026-11-25T12:00:02.000Z',
};
const list = {
  chargingPointId: 'CP-1',
  localList: 'all',
  wanted: {
    entries: 117,
    left: 0,
    tooLong: 0,
    room: 500,
    roomIs: 'said',
    version: 217_684_801,
    changedAt: '2026-11-25T12:00:00.000Z',
  },
  charger: { version: 217_684_801, at: '2026-11-25T12:00:05.000Z' },
  upToDate: true,
  last: {
    action: 'SendLocalList',
    updateType: 'Differential',
    entries: 1,
    state: 'accepted',
    status: 'Accepted',
    at: '2026-11-25T12:00:05.000Z',
    commandId,
  },
};

const one = '/api/cms/points/:chargingPointId';

export const POINTS: Operations = {
  [`POST ${one}/rotate-password`]: {
    answers: {
      200: json({ chargingPointId: 'CP-1', rotation, command: null }),
      202: json({ chargingPointId: 'CP-1', rotation: { ...rotation, state: 'sent' }, command: null }),
    },
    errors: [
      'ENTITY_UNKNOWN',
      'CHARGER_OFFLINE',
      'COMMAND_TIMED_OUT',
      'ROTATION_OPEN',
      'ROTATION_IMPOSSIBLE',
      'ROTATION_LATE',
      'PASSWORD_UNFIT',
      'CONFLICT',
      'REGISTRY_NOT_READY',
      'REGISTRY_UNANSWERED',
      'BROKER_UNREACHABLE',
    ],
  },
  [`GET ${one}/local-list`]: {
    answers: { 200: json(list) },
    errors: ['ENTITY_UNKNOWN', 'REGISTRY_NOT_READY'],
  },
  [`POST ${one}/local-list/push`]: {
    answers: { 202: json({ ...list, upToDate: false }) },
    errors: [
      'ENTITY_UNKNOWN',
      'CHARGER_OFFLINE',
      'LOCAL_LIST_NONE',
      'REGISTRY_NOT_READY',
      'BROKER_UNREACHABLE',
    ],
  },
};

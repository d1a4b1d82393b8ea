/** What both `command` and `commands` say of a command: column -> meaning, in the order of the answer. */
export const COMMAND_COLUMNS = {
  command_id: 'Id of the command, and of its OCPP message',
  charge_point_id: 'Charge point id',
  action: 'OCPP action',
  operation: 'Friendly route it came by, if any',
  actor: 'Who asked for it',
  protocol: 'OCPP version',
  status:
    'requested, kept, released, sent; or what came of it: accepted, rejected, failed, timed-out, offline',
  requested_at: 'When it was asked for, UTC',
  kept_at: 'When it began to wait for the charger to come back, UTC',
  released_at: 'When it stopped waiting, UTC',
  sent_at: 'When it was about to be written to the charger, UTC',
  ended_at: 'When it was known what came of it, UTC',
  duration_ms: 'From request to end, ms',
  deadline: 'Until when an answer counted, UTC',
  queue_until: 'Until when it might wait for the charger, UTC',
  charger_status: "The charger's own word",
  error_code: "The charger's error code",
  error: 'What went wrong, for people',
  delivery: 'Of timed-out ones: not-delivered (certainly never written) or delivery-unknown',
  gateway: 'Ingest process that sent it',
} as const;

/**
 * Everything that can look wrong, under one name each; the column `anomalies.kind`. One sentence says what a
 * person should understand by it. A kind, once it has landed, keeps its meaning.
 */
export const ANOMALY_KINDS = {
  // Frames, as domain/ocpp meets them
  undecodable: 'The record could not be read at all; it stands in `frames`.',
  invalid_frame: 'The text is JSON but no OCPP frame, or one that could not be answered.',
  call_refused: 'We answered this CALL with a CALLERROR.',
  answer_refused: 'The charger could not use our answer (2.1 CALLRESULTERROR).',
  schema_violation: 'A field is missing, of the wrong type or out of its range; the rest was used.',
  unreadable_time: 'A timestamp is no time; the receipt time stands for it.',
  zoneless_time: 'A timestamp has no zone; UTC was assumed.',
  unreadable_value: 'A meter value is no number; it is kept as text and counts for nothing.',
  unknown_measurand: 'A measurand that OCPP does not have.',
  unknown_unit:
    'A unit that we cannot convert; the value stands as sent, and as energy or power counts for nothing.',
  unit_mismatch: 'A unit that does not fit its measurand (energy in W); the value counts for nothing.',

  // Time and order
  clock_suspect: 'The time of an event was corrected or is doubtful.',
  late: 'The frame came after its session had been closed for good; it changed nothing.',

  // Sessions
  orphan: 'A stop without a session it could belong to; shown, never billed.',
  stop_matched: 'A stop with an unknown transaction id was given to the only session it fits; held.',
  start_repeated: 'Further starts with the same token and meter, without energy between, are one session.',
  id_reused: 'An equal start after its stop and a later boot: another session with the same id; held.',
  missing_events: 'The sequence numbers of a 2.x transaction have gaps: not all of its events arrived.',

  // Energy
  meter_start_unread: 'meterStart is 0 and the samples are far above it: the first sample stands for it.',
  meter_stop_invalid: 'meterStop is negative or below meterStart; it counts as absent.',
  meter_stop_below_samples:
    'meterStop lies below the last sample before it; it stands, and the session is held.',
  meter_glitch: 'A register dipped and came back; the dip was dropped.',
  meter_reset: 'A register began anew; nothing is added for the gap, and the session is held.',
  meter_jump: 'A register rose by more than the connector could have delivered; held, not billed.',
  signature_invalid: 'Signed meter data does not fit the keys registered for the meter; not used, and held.',
  figures_disagree: 'Two figures of the same energy differ: the lower one stands, and the session is held.',
  registers_session_relative:
    'The samples count from the session, not from the meter; only their shape is used.',

  // Status
  status_warning: 'An error code without the status Faulted.',
} as const satisfies Record<string, string>;

export type AnomalyKind = keyof typeof ANOMALY_KINDS;

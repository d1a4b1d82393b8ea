-- Sampled values in order of time, of one charge point or of one session.
SELECT
    charge_point_id, evse_id, connector_id, session_id, ts, sent_at, measurand, phase, location, context,
    value, unit, raw, signed, partition, offset
FROM meter_values
WHERE charge_point_id = {charge_point_id:String}
    AND ({session_id:String} = '' OR session_id = toUUIDOrZero({session_id:String}))
    AND ({measurand:String} = '' OR measurand = {measurand:String})
    AND ts >= {from:DateTime64(3, 'UTC')}
    AND ts < {to:DateTime64(3, 'UTC')}
ORDER BY ts, measurand, phase, location, context, raw
LIMIT {limit:UInt32}

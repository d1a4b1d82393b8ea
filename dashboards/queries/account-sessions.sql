-- The sessions of one account, newest first, or one of them. A cursor continues after the row it was read from.
SELECT
    session_id, charge_point_id, connector_id, evse_id, transaction_id, auth_status, station_id, account_id, tariff,
    status, held, started_at, stopped_at, last_seen_at, meter_start_wh, meter_stop_wh, energy_wh, estimated,
    max_power_w, soc_end, stop_reason, anomalies, protocol, toFloat64(version) AS version,
    concat(toString(toUnixTimestamp64Milli(started_at)), '_', toString(session_id)) AS cursor
FROM sessions_rows FINAL
WHERE generation = (SELECT generation FROM active_generation)
    AND account_id = {account_id:String}
    AND ({session_id:String} = '' OR session_id = toUUIDOrZero({session_id:String}))
    AND ({status:String} = '' OR status = {status:String})
    AND
    (
        {cursor:String} = ''
        OR (toUnixTimestamp64Milli(started_at), toString(session_id))
            < (toInt64OrZero(splitByChar('_', {cursor:String})[1]), splitByChar('_', {cursor:String})[2])
    )
ORDER BY toUnixTimestamp64Milli(started_at) DESC, toString(session_id) DESC
LIMIT {limit:UInt32}

-- Charging sessions, newest first. A cursor continues after the row it was read from.
SELECT
    session_id, charge_point_id, connector_id, evse_id, transaction_id,
    if(id_token = '', '', lower(substring(hex(SHA256(upper(id_token))), 1, 16))) AS id_token_hash,
    auth_status, station_id, account_id, tariff, status, held,
    started_at, stopped_at, unplugged_at, last_seen_at, clock_suspect,
    meter_start_wh, meter_stop_wh, energy_wh, energy_source, energy_export_wh, estimated,
    max_power_w, soc_start, soc_end, stop_reason, charging_s, idle_s, anomalies, protocol,
    partition, offset,
    concat(toString(toUnixTimestamp64Milli(started_at)), '_', toString(session_id)) AS cursor
FROM sessions
WHERE ({charge_point_id:String} = '' OR charge_point_id = {charge_point_id:String})
    AND ({status:String} = '' OR status = {status:String})
    AND started_at >= {from:DateTime64(3, 'UTC')}
    AND started_at < {to:DateTime64(3, 'UTC')}
    AND
    (
        {cursor:String} = ''
        OR (toUnixTimestamp64Milli(started_at), toString(session_id))
            < (toInt64OrZero(splitByChar('_', {cursor:String})[1]), splitByChar('_', {cursor:String})[2])
    )
ORDER BY toUnixTimestamp64Milli(started_at) DESC, toString(session_id) DESC
LIMIT {limit:UInt32}

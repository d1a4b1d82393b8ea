-- Sessions that are going on, newest first.
SELECT
    session_id, charge_point_id, connector_id, evse_id, transaction_id, station_id, tariff, auth_status,
    started_at,
    greatest(0, dateDiff('second', started_at, {now:DateTime64(3, 'UTC')})) AS duration_s,
    last_seen_at, energy_wh, estimated, max_power_w, soc_start, soc_end, charging_s, idle_s, held, anomalies,
    protocol
FROM sessions
WHERE status = 'active'
    AND ({charge_point_id:String} = '' OR charge_point_id = {charge_point_id:String})
ORDER BY started_at DESC, session_id
LIMIT {limit:UInt32}

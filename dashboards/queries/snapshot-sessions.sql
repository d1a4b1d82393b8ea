-- Sessions that are going on, and those heard of in the last ten minutes, each with the version of its row: what
-- notifications are laid over. The rest of the sessions cannot be meant by a notification that is still on its way.
SELECT
    session_id, charge_point_id, evse_id, connector_id, transaction_id, status, held, auth_status, station_id,
    account_id, tariff, started_at, stopped_at, last_seen_at, energy_wh, energy_export_wh, max_power_w, soc_end,
    stop_reason, estimated, anomalies, remote_start_id, protocol, toFloat64(version) AS version
FROM sessions_rows FINAL
WHERE generation = (SELECT generation FROM active_generation)
    AND (status = 'active' OR last_seen_at >= {now:DateTime64(3, 'UTC')} - INTERVAL 10 MINUTE)
    AND ({charge_point_id:String} = '' OR charge_point_id = {charge_point_id:String})
    AND ({station_id:String} = '' OR station_id = {station_id:String})
    AND ({account_id:String} = '' OR account_id = {account_id:String})
ORDER BY started_at DESC, session_id
LIMIT {limit:UInt32}

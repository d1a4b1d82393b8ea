-- Some sessions, by their ids and where they were, with the version of what is known of them.
WITH (SELECT groupArray(toUUIDOrZero(id)) FROM (SELECT arrayJoin(JSONExtract({session_ids:String}, 'Array(String)')) AS id)) AS wanted
SELECT
    session_id, charge_point_id, connector_id, evse_id, transaction_id, auth_status, station_id, account_id, tariff,
    status, held, started_at, stopped_at, last_seen_at, meter_start_wh, meter_stop_wh, energy_wh, estimated,
    max_power_w, soc_end, stop_reason, anomalies, protocol, toFloat64(version) AS version
FROM sessions_rows FINAL
WHERE generation = (SELECT generation FROM active_generation)
    AND charge_point_id IN (SELECT arrayJoin(JSONExtract({charge_point_ids:String}, 'Array(String)')))
    AND has(wanted, session_id)
ORDER BY session_id
LIMIT {limit:UInt32}

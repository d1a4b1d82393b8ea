-- The status of every connector of some charge points now.
SELECT charge_point_id, evse_id, connector_id, status, `from` AS since, toFloat64(version) AS version
FROM status_intervals_rows FINAL
WHERE generation = (SELECT generation FROM active_generation)
    AND `to` IS NULL
    AND charge_point_id IN (SELECT arrayJoin(JSONExtract({charge_point_ids:String}, 'Array(String)')))
ORDER BY charge_point_id, evse_id, connector_id
LIMIT {limit:UInt32}

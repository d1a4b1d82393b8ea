-- The status of every connector now, with the version of its row: what notifications are laid over.
SELECT
    charge_point_id, evse_id, connector_id, status, error_code, vendor_code, `from` AS since,
    toFloat64(version) AS version
FROM status_intervals_rows FINAL
WHERE generation = (SELECT generation FROM active_generation)
    AND `to` IS NULL
    AND ({charge_point_id:String} = '' OR charge_point_id = {charge_point_id:String})
ORDER BY charge_point_id, evse_id, connector_id
LIMIT {limit:UInt32}

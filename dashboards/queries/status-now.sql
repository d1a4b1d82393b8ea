-- The status of every connector now, and since when. Connector 0 of EVSE 0 is the charge point as a whole.
SELECT
    charge_point_id, evse_id, connector_id, status, error_code, vendor_code,
    `from` AS since,
    greatest(0, dateDiff('second', `from`, {now:DateTime64(3, 'UTC')})) AS for_s
FROM status_intervals
WHERE `to` IS NULL
    AND ({charge_point_id:String} = '' OR charge_point_id = {charge_point_id:String})
    AND ({status:String} = '' OR status = {status:String})
ORDER BY charge_point_id, evse_id, connector_id
LIMIT {limit:UInt32}

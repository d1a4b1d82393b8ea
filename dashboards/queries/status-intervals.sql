-- Stretches of connector status that touch a window, newest first. An open one has no end.
SELECT charge_point_id, evse_id, connector_id, status, error_code, vendor_code, `from`, `to`
FROM status_intervals
WHERE ({charge_point_id:String} = '' OR charge_point_id = {charge_point_id:String})
    AND ({status:String} = '' OR status = {status:String})
    AND `from` < {to:DateTime64(3, 'UTC')}
    AND (`to` IS NULL OR `to` > {from:DateTime64(3, 'UTC')})
ORDER BY `from` DESC, charge_point_id, evse_id, connector_id
LIMIT {limit:UInt32}

-- Firmware updates and uploads of diagnostics and logs, newest first, with what the charger told of each.
SELECT
    charge_point_id, command_id, kind, action, request_id, actor, protocol, requested_at, command_status, charger_status,
    state, status, status_at, reports, file
FROM jobs
WHERE ({charge_point_id:String} = '' OR charge_point_id = {charge_point_id:String})
    AND ({kind:String} = '' OR kind = {kind:String})
    AND ({state:String} = '' OR state = {state:String})
    AND requested_at >= {from:DateTime64(3, 'UTC')}
    AND requested_at < {to:DateTime64(3, 'UTC')}
ORDER BY requested_at DESC, command_id
LIMIT {limit:UInt32}

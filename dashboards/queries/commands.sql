-- Commands to chargers and what came of them, newest first. A cursor continues after the row it was read from.
SELECT
    command_id, charge_point_id, action, operation, actor, protocol, status,
    requested_at, kept_at, released_at, sent_at, ended_at, duration_ms, deadline, queue_until,
    charger_status, error_code, error, delivery, gateway,
    concat(toString(toUnixTimestamp64Milli(requested_at)), '_', toString(command_id)) AS cursor
FROM commands
WHERE ({charge_point_id:String} = '' OR charge_point_id = {charge_point_id:String})
    AND ({action:String} = '' OR action = {action:String})
    AND ({status:String} = '' OR status = {status:String})
    AND ({actor:String} = '' OR actor = {actor:String})
    AND requested_at >= {from:DateTime64(3, 'UTC')}
    AND requested_at < {to:DateTime64(3, 'UTC')}
    AND
    (
        {cursor:String} = ''
        OR (toUnixTimestamp64Milli(requested_at), toString(command_id))
            < (toInt64OrZero(splitByChar('_', {cursor:String})[1]), splitByChar('_', {cursor:String})[2])
    )
ORDER BY toUnixTimestamp64Milli(requested_at) DESC, toString(command_id) DESC
LIMIT {limit:UInt32}

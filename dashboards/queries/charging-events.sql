-- Everything that was published about chargers, sessions and commands, newest first in the order of the log.
SELECT
    id, type, at, charge_point_id, session_id, command_id, station_id, account_id, status, payload, epoch, offset
FROM charging_events
WHERE ({charge_point_id:String} = '' OR charge_point_id = {charge_point_id:String})
    AND ({type:String} = '' OR type = {type:String} OR startsWith(type, concat({type:String}, '.')))
    AND ({session_id:String} = '' OR session_id = toUUIDOrZero({session_id:String}))
    AND at >= {from:DateTime64(3, 'UTC')}
    AND at < {to:DateTime64(3, 'UTC')}
ORDER BY epoch DESC, offset DESC
LIMIT {limit:UInt32}

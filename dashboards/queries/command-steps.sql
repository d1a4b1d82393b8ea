-- The steps of commands in the order of the log, newest first; those after the first terminal one too.
SELECT
    command_id, charge_point_id, step, at, terminal, gateway, connection, status, code, detail, delivery, epoch, offset
FROM command_steps
WHERE ({charge_point_id:String} = '' OR charge_point_id = {charge_point_id:String})
    AND ({command_id:String} = '' OR command_id = toUUIDOrZero({command_id:String}))
    AND at >= {from:DateTime64(3, 'UTC')}
    AND at < {to:DateTime64(3, 'UTC')}
ORDER BY epoch DESC, offset DESC
LIMIT {limit:UInt32}

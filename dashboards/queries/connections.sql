-- Connections of charge points that touch a window, newest first. An open one has no end.
SELECT
    charge_point_id, connection, gateway, protocol, address, `from`, `to`, close_code,
    greatest(0, dateDiff('second', `from`, ifNull(`to`, {now:DateTime64(3, 'UTC')}))) AS duration_s
FROM connections
WHERE ({charge_point_id:String} = '' OR charge_point_id = {charge_point_id:String})
    AND `from` < {to:DateTime64(3, 'UTC')}
    AND (`to` IS NULL OR `to` > {from:DateTime64(3, 'UTC')})
ORDER BY `from` DESC, charge_point_id, connection
LIMIT {limit:UInt32}

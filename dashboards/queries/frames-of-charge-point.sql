-- The frames of one charge point as they crossed its socket, newest first. A cursor continues after the row
-- it was read from. A charge point has one partition for the whole of an epoch.
SELECT
    epoch, partition, offset, received_at, direction, protocol, action, message_id, frame, answer, properties,
    concat(toString(epoch), '_', toString(partition), '_', toString(offset)) AS cursor
FROM frames
WHERE charge_point_id = {charge_point_id:String}
    AND ({action:String} = '' OR action = {action:String})
    AND received_at >= {from:DateTime64(3, 'UTC')}
    AND received_at < {to:DateTime64(3, 'UTC')}
    AND
    (
        {cursor:String} = ''
        OR (epoch, partition, offset) <
        (
            toUInt16OrZero(splitByChar('_', {cursor:String})[1]),
            toUInt16OrZero(splitByChar('_', {cursor:String})[2]),
            toUInt64OrZero(splitByChar('_', {cursor:String})[3])
        )
    )
ORDER BY epoch DESC, partition DESC, offset DESC
LIMIT {limit:UInt32}
-- A record never changes, so a granule that the time index rules out needs no look at its twins elsewhere.
SETTINGS use_skip_indexes_if_final_exact_mode = 0

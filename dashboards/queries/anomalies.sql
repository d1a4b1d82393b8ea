-- What looked wrong, newest first: with single records, and with sessions.
SELECT charge_point_id, session_id, at, kind, detail, epoch, partition, offset
FROM anomalies
WHERE ({charge_point_id:String} = '' OR charge_point_id = {charge_point_id:String})
    AND ({kind:String} = '' OR kind = {kind:String})
    AND at >= {from:DateTime64(3, 'UTC')}
    AND at < {to:DateTime64(3, 'UTC')}
ORDER BY at DESC, epoch DESC, partition, offset DESC, kind
LIMIT {limit:UInt32}

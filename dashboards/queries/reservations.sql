-- Reservations that chargers accepted, newest first, and what became of each.
SELECT
    charge_point_id, reservation_id, connector_id, evse_id, connector_type,
    if(id_token = '', '', lower(substring(hex(SHA256(upper(id_token))), 1, 16))) AS id_token_hash,
    reserved_at, expires_at,
    multiIf(ended_by != '', ended_by, expires_at <= {now:DateTime64(3, 'UTC')}, 'expired', 'active') AS state,
    ended_at, transaction_id, session_id, command_id, actor, protocol
FROM reservations
WHERE ({charge_point_id:String} = '' OR charge_point_id = {charge_point_id:String})
    AND ({state:String} = '' OR state = {state:String})
    AND reserved_at >= {from:DateTime64(3, 'UTC')}
    AND reserved_at < {to:DateTime64(3, 'UTC')}
ORDER BY reserved_at DESC, command_id
LIMIT {limit:UInt32}

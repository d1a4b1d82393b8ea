-- Charging profiles that chargers accepted by SetChargingProfile, newest first, and what ended each.
SELECT
    charge_point_id, connector_id, evse_id, profile_id, stack_level, purpose, kind, recurrency, valid_from, valid_to,
    transaction_id, schedule, set_at,
    multiIf(ended_by != '', ended_by, valid_to <= {now:DateTime64(3, 'UTC')}, 'expired', 'active') AS state,
    ended_at, command_id, actor, protocol
FROM charging_profiles
WHERE ({charge_point_id:String} = '' OR charge_point_id = {charge_point_id:String})
    AND ({state:String} = '' OR state = {state:String})
    AND ({outlet:String} = '' OR toString(coalesce(evse_id, connector_id)) = {outlet:String})
ORDER BY set_at DESC, command_id
LIMIT {limit:UInt32}

-- The local authorization list of each charge point: the version it accepted last, and the one it named last.
SELECT
    charge_point_id, version, update_type, entries, updated_at, command_id, actor, reported_version, reported_at
FROM local_lists
WHERE ({charge_point_id:String} = '' OR charge_point_id = {charge_point_id:String})
ORDER BY charge_point_id
LIMIT {limit:UInt32}

-- Energy delivered per day. A day is a day of the given time zone; the first and last may be cut by the window.
SELECT
    toDate(e.bucket, {time_zone:String}) AS day,
    sum(e.energy_wh) AS energy_wh,
    uniqExact(e.session_id) AS sessions,
    uniqExact(e.charge_point_id) AS charge_points,
    sum(e.charging_s) AS charging_s
FROM energy_15m AS e
WHERE ({charge_point_id:String} = '' OR e.charge_point_id = {charge_point_id:String})
    AND e.bucket >= {from:DateTime64(3, 'UTC')}
    AND e.bucket < {to:DateTime64(3, 'UTC')}
GROUP BY day
ORDER BY day
LIMIT {limit:UInt32}

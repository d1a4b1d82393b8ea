-- The load curve: energy per quarter hour, of all charge points or of one.
SELECT
    e.bucket AS bucket,
    sum(e.energy_wh) AS energy_wh,
    sum(e.energy_wh) * 4 AS mean_power_w,
    max(e.peak_power_w) AS peak_power_w,
    uniqExact(e.session_id) AS sessions
FROM energy_15m AS e
WHERE ({charge_point_id:String} = '' OR e.charge_point_id = {charge_point_id:String})
    AND e.bucket >= {from:DateTime64(3, 'UTC')}
    AND e.bucket < {to:DateTime64(3, 'UTC')}
GROUP BY bucket
ORDER BY bucket
LIMIT {limit:UInt32}

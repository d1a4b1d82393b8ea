-- Energy delivered per charge point in a window, counted by quarter hours; the largest first.
SELECT
    e.charge_point_id AS charge_point_id,
    sum(e.energy_wh) AS energy_wh,
    uniqExact(e.session_id) AS sessions,
    max(e.peak_power_w) AS peak_power_w,
    sum(e.connected_s) AS connected_s,
    sum(e.charging_s) AS charging_s
FROM energy_15m AS e
WHERE e.bucket >= {from:DateTime64(3, 'UTC')}
    AND e.bucket < {to:DateTime64(3, 'UTC')}
GROUP BY e.charge_point_id
ORDER BY energy_wh DESC, charge_point_id
LIMIT {limit:UInt32}

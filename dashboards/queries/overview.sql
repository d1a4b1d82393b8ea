-- One row for the top of a dashboard.
SELECT
    (SELECT uniqExact(charge_point_id) FROM connections WHERE `to` IS NULL) AS connected_charge_points,
    (SELECT count() FROM sessions WHERE status = 'active') AS active_sessions,
    (SELECT count() FROM sessions WHERE status != 'active' AND stopped_at >= toStartOfDay({now:DateTime64(3, 'UTC')}))
        AS ended_sessions_today,
    (SELECT sum(energy_wh) FROM energy_15m WHERE bucket >= toStartOfDay({now:DateTime64(3, 'UTC')}))
        AS energy_today_wh,
    (
        SELECT count()
        FROM frames
        WHERE received_at >= {now:DateTime64(3, 'UTC')} - INTERVAL 1 MINUTE
            AND action NOT IN ('Connected', 'Disconnected', 'GatewayAlive', 'GatewayStarted')
    ) AS frames_last_minute
-- Only the archive has a time index, and a record never changes: no look at twins of what the index rules out.
SETTINGS use_skip_indexes_if_final_exact_mode = 0

-- Frames per minute as chargers sent and received them; the records of connections and gateways left out.
SELECT
    toStartOfMinute(received_at) AS minute,
    countIf(direction = 'in') AS frames_in,
    countIf(direction = 'out') AS frames_out,
    uniqExact(charge_point_id) AS charge_points,
    sum(length(frame)) AS bytes
FROM frames
WHERE received_at >= {from:DateTime64(3, 'UTC')}
    AND received_at < {to:DateTime64(3, 'UTC')}
    AND action NOT IN ('Connected', 'Disconnected', 'GatewayAlive', 'GatewayStarted')
GROUP BY minute
ORDER BY minute
LIMIT {limit:UInt32}
-- A record never changes, so a granule that the time index rules out needs no look at its twins elsewhere.
SETTINGS use_skip_indexes_if_final_exact_mode = 0

-- Streams and partitions that were stopped by name, the newest refusal of each. It stands until a checkpoint (of a
-- stream of events: a position) is saved after it.
SELECT
    r.generation AS generation, r.epoch AS epoch, r.partition AS partition,
    (r.refused_at > c.taken_at)::Bool AS standing,
    r.code AS code, r.offset AS offset, r.message AS message, r.remedy AS remedy, r.refused_at AS refused_at,
    r.stream AS stream
FROM refusals AS r
LEFT JOIN (
    SELECT 'ocpp.frames' AS stream, generation, epoch, partition, max(taken_at) AS taken_at
    FROM checkpoints
    GROUP BY generation, epoch, partition
    UNION ALL
    SELECT e.stream, r.generation, r.epoch, r.partition, max(e.stored_at)
    FROM event_positions AS e
    INNER JOIN refusals AS r ON e.stream = r.stream
    WHERE e.epoch >= r.epoch
    GROUP BY e.stream, r.generation, r.epoch, r.partition
) AS c ON r.stream = c.stream AND r.generation = c.generation AND r.epoch = c.epoch AND r.partition = c.partition
ORDER BY refused_at DESC, stream, partition
LIMIT 1 BY generation, epoch, stream, partition
LIMIT {limit:UInt32}

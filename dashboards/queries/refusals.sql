-- Partitions that were stopped by name, the newest refusal of each. It stands until a checkpoint is taken after it.
SELECT
    r.generation AS generation, r.epoch AS epoch, r.partition AS partition,
    (r.refused_at > c.taken_at)::Bool AS standing,
    r.code AS code, r.offset AS offset, r.message AS message, r.remedy AS remedy, r.refused_at AS refused_at
FROM refusals AS r
LEFT JOIN (
    SELECT generation, epoch, partition, max(taken_at) AS taken_at
    FROM checkpoints
    GROUP BY generation, epoch, partition
) AS c USING (generation, epoch, partition)
ORDER BY refused_at DESC, partition
LIMIT 1 BY generation, epoch, partition
LIMIT {limit:UInt32}

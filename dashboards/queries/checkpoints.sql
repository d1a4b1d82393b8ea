-- How far each partition has been processed for certain, per generation: a restart continues at next_offset.
SELECT
    generation,
    (generation = (SELECT generation FROM active_generation))::Bool AS active,
    epoch, partition, next_offset, last_offset, last_hash, states, taken_at,
    greatest(0, dateDiff('second', taken_at, {now:DateTime64(3, 'UTC')})) AS age_s
FROM checkpoints
ORDER BY generation, partition, epoch DESC, next_offset DESC, taken_at DESC
LIMIT 1 BY generation, partition

-- How far the streams of events are stored: everything through offset.
SELECT
    stream, epoch, offset, hash, stored_at,
    greatest(0, dateDiff('second', stored_at, {now:DateTime64(3, 'UTC')})) AS age_s
FROM event_positions
ORDER BY stream, epoch DESC
LIMIT 1 BY stream

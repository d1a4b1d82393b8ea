-- The archive lies in log order, and people ask it by time. Receipt times rise nearly with the offset, so the
-- least and greatest per granule are enough to skip almost everything outside the asked window.
ALTER TABLE {{database}}.frames_rows {{on_cluster}}
    ADD INDEX IF NOT EXISTS by_time received_at TYPE minmax GRANULARITY 1;

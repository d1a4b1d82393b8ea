-- Why a partition was stopped, as the process that stopped it said: for whoever looks from outside, and after it
-- is gone. A refusal stands until a checkpoint of its partition is taken after it.
CREATE TABLE {{database}}.refusals_rows {{on_cluster}}
(
    generation UInt32,
    epoch UInt16,
    partition UInt16,
    code LowCardinality(String),
    offset Nullable(UInt64),
    message String,
    remedy String,
    refused_at DateTime64(3, 'UTC')
)
ENGINE = {{merge_tree}}
ORDER BY (generation, epoch, partition, refused_at);

CREATE VIEW {{database}}.refusals {{on_cluster}} AS
SELECT generation, epoch, partition, code, offset, message, remedy, refused_at
FROM {{database}}.refusals_rows;

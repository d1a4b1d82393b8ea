-- Storage tables. Every row is an absolute fact keyed by identity and versioned by its position in the log
-- (version = epoch * 2^48 + offset), so replays and overlapping readers are harmless. Sort keys hold only
-- columns that never change. People query the views of 0002.

-- The archive: every record of ocpp.frames, in log order. It has no generation: it is the log itself.
CREATE TABLE {{database}}.frames_rows {{on_cluster}}
(
    epoch UInt16,
    partition UInt16,
    offset UInt64,
    charge_point_id LowCardinality(String),
    received_at DateTime64(3, 'UTC'),
    direction LowCardinality(String),
    protocol LowCardinality(String),
    action LowCardinality(String),
    message_id String,
    frame String CODEC(ZSTD(3)),
    answer String CODEC(ZSTD(3)),
    properties Map(LowCardinality(String), String) CODEC(ZSTD(3))
)
ENGINE = {{replacing}}
PARTITION BY epoch
ORDER BY (epoch, partition, offset)
SETTINGS index_granularity = 8192;

CREATE TABLE {{database}}.sessions_rows {{on_cluster}}
(
    generation UInt32,
    charge_point_id LowCardinality(String),
    session_id UUID,
    connector_id Nullable(UInt32),
    evse_id Nullable(UInt32),
    transaction_id String,
    id_token String,
    auth_status LowCardinality(String),
    station_id LowCardinality(String),
    account_id String,
    tariff LowCardinality(String),
    status LowCardinality(String),
    held Bool,
    started_at DateTime64(3, 'UTC'),
    stopped_at Nullable(DateTime64(3, 'UTC')),
    unplugged_at Nullable(DateTime64(3, 'UTC')),
    last_seen_at DateTime64(3, 'UTC'),
    clock_suspect Bool,
    meter_start_wh Nullable(Decimal(18, 3)),
    meter_stop_wh Nullable(Decimal(18, 3)),
    energy_wh Nullable(Decimal(18, 3)),
    energy_source LowCardinality(String),
    energy_export_wh Nullable(Decimal(18, 3)),
    max_power_w Nullable(Decimal(18, 3)),
    soc_start Nullable(Decimal(9, 3)),
    soc_end Nullable(Decimal(9, 3)),
    stop_reason LowCardinality(String),
    charging_s UInt32,
    idle_s UInt32,
    estimated Bool,
    anomalies Array(LowCardinality(String)),
    anomaly_details Array(String),
    remote_start_id Nullable(Int64),
    protocol LowCardinality(String),
    partition UInt16,
    offset UInt64,
    version UInt64,
    is_deleted UInt8
)
ENGINE = {{replacing(version, is_deleted)}}
PARTITION BY generation
ORDER BY (generation, charge_point_id, session_id);

CREATE TABLE {{database}}.meter_values_rows {{on_cluster}}
(
    generation UInt32,
    charge_point_id LowCardinality(String),
    ts DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    -- what the sample was reported for: 'tx:<transaction id>' or 'outlet:<evse>/<connector>'
    origin String,
    measurand LowCardinality(String),
    phase LowCardinality(String),
    location LowCardinality(String),
    context LowCardinality(String),
    raw String,
    unit LowCardinality(String),
    connector_id Nullable(UInt32),
    evse_id Nullable(UInt32),
    session_id Nullable(UUID),
    sent_at Nullable(DateTime64(3, 'UTC')),
    value Nullable(Decimal(18, 3)),
    signed String,
    partition UInt16,
    offset UInt64,
    version UInt64,
    is_deleted UInt8
)
ENGINE = {{replacing(version, is_deleted)}}
PARTITION BY generation
ORDER BY (generation, charge_point_id, ts, origin, measurand, phase, location, context, raw, unit);

CREATE TABLE {{database}}.energy_15m_rows {{on_cluster}}
(
    generation UInt32,
    charge_point_id LowCardinality(String),
    bucket DateTime64(3, 'UTC'),
    session_id UUID,
    connector_id Nullable(UInt32),
    evse_id Nullable(UInt32),
    energy_wh Decimal(18, 3),
    peak_power_w Nullable(Decimal(18, 3)),
    connected_s Decimal(9, 3),
    charging_s Decimal(9, 3),
    version UInt64,
    is_deleted UInt8
)
ENGINE = {{replacing(version, is_deleted)}}
PARTITION BY generation
ORDER BY (generation, charge_point_id, bucket, session_id);

CREATE TABLE {{database}}.status_intervals_rows {{on_cluster}}
(
    generation UInt32,
    charge_point_id LowCardinality(String),
    evse_id UInt32,
    connector_id UInt32,
    `from` DateTime64(3, 'UTC'),
    `to` Nullable(DateTime64(3, 'UTC')),
    status LowCardinality(String),
    error_code LowCardinality(String),
    vendor_code LowCardinality(String),
    version UInt64,
    is_deleted UInt8
)
ENGINE = {{replacing(version, is_deleted)}}
PARTITION BY generation
ORDER BY (generation, charge_point_id, evse_id, connector_id, `from`);

CREATE TABLE {{database}}.connections_rows {{on_cluster}}
(
    generation UInt32,
    charge_point_id LowCardinality(String),
    connection String,
    gateway LowCardinality(String),
    protocol LowCardinality(String),
    address String,
    `from` DateTime64(3, 'UTC'),
    `to` Nullable(DateTime64(3, 'UTC')),
    close_code Nullable(UInt16),
    version UInt64,
    is_deleted UInt8
)
ENGINE = {{replacing(version, is_deleted)}}
PARTITION BY generation
ORDER BY (generation, charge_point_id, connection);

-- What looked wrong with one record, keyed by the record's position. What looked wrong with a session
-- stands in the session itself; the view shows both.
CREATE TABLE {{database}}.anomalies_rows {{on_cluster}}
(
    generation UInt32,
    charge_point_id LowCardinality(String),
    epoch UInt16,
    partition UInt16,
    offset UInt64,
    number UInt16,
    session_id Nullable(UUID),
    at DateTime64(3, 'UTC'),
    kind LowCardinality(String),
    detail String,
    version UInt64,
    is_deleted UInt8
)
ENGINE = {{replacing(version, is_deleted)}}
PARTITION BY generation
ORDER BY (generation, charge_point_id, epoch, partition, offset, number);

-- Processing states and the markers that make them whole, in one unpartitioned table: one insert per
-- checkpoint, which a kill cannot tear. Old states are needed until a newer marker is proven whole.
CREATE TABLE {{database}}.checkpoints_rows {{on_cluster}}
(
    generation UInt32,
    epoch UInt16,
    partition UInt16,
    next_offset UInt64,
    -- ties states to their marker, also when two readers reach the same offset
    checkpoint UUID,
    kind LowCardinality(String),
    charge_point_id String,
    part String,
    state String CODEC(ZSTD(3)),
    last_offset UInt64,
    last_hash String,
    states UInt32,
    states_hash String,
    taken_at DateTime64(3, 'UTC')
)
ENGINE = {{merge_tree}}
ORDER BY (generation, epoch, partition, kind, charge_point_id, part, next_offset);

CREATE TABLE {{database}}.generations_rows {{on_cluster}}
(
    generation UInt32,
    code_version String,
    activated_at DateTime64(3, 'UTC'),
    actor String,
    reason String
)
ENGINE = {{merge_tree}}
ORDER BY activated_at;

-- What the event streams hold, record by record (src/analytics/events). A row is keyed by what its event is about and
-- by the event's id, both fixed by whoever published it; of several records with one id the first in the log stays:
-- precedence = 2^53 - 1 - (epoch * 2^48 + offset) is greatest for the lowest position. So rows may be written any number
-- of times, by any number of readers.

-- charging.events.log. `topic` is the first word of the type: what is asked about commands does not read past the
-- many updates of sessions. A record that is none of our messages is kept under the topic 'unreadable'.
CREATE TABLE {{database}}.charging_events_rows {{on_cluster}}
(
    topic LowCardinality(String),
    charge_point_id LowCardinality(String),
    -- the id of the command, session or connector that it is about; '' where there is none
    subject String,
    id String,
    type LowCardinality(String),
    at DateTime64(3, 'UTC'),
    session_id Nullable(UUID),
    -- all zeros where it is about none: without NULLs the index below serves every question for one command
    command_id UUID,
    station_id LowCardinality(String),
    account_id String,
    -- of the steps of commands; '' or NULL where the event says nothing of the kind
    action LowCardinality(String),
    operation LowCardinality(String),
    actor String,
    protocol LowCardinality(String),
    gateway LowCardinality(String),
    connection String,
    status LowCardinality(String),
    code LowCardinality(String),
    detail String,
    delivery LowCardinality(String),
    digest String,
    deadline Nullable(DateTime64(3, 'UTC')),
    queue_until Nullable(DateTime64(3, 'UTC')),
    -- the message as it was published, secrets redacted
    payload String CODEC(ZSTD(3)),
    epoch UInt16,
    offset UInt64,
    precedence UInt64,
    INDEX by_command command_id TYPE bloom_filter GRANULARITY 1,
    INDEX by_session session_id TYPE bloom_filter GRANULARITY 1,
    INDEX by_time at TYPE minmax GRANULARITY 1
)
ENGINE = {{replacing(precedence)}}
ORDER BY (topic, charge_point_id, subject, id);

-- cms.events.log: proposals of the registry. `verdict` is what its rules made of one: applied, void, or '' where nobody
-- has judged it.
CREATE TABLE {{database}}.cms_events_rows {{on_cluster}}
(
    kind LowCardinality(String),
    entity_id String,
    id String,
    type LowCardinality(String),
    version UInt64,
    actor String,
    at DateTime64(3, 'UTC'),
    verdict LowCardinality(String),
    reason String,
    -- the whole entity without its secrets; '' when it was deleted
    state String CODEC(ZSTD(3)),
    epoch UInt16,
    offset UInt64,
    precedence UInt64
)
ENGINE = {{replacing(precedence)}}
ORDER BY (kind, entity_id, id);

-- How far a stream of events is stored: everything up to this record, which a restart reads again and compares.
CREATE TABLE {{database}}.event_positions_rows {{on_cluster}}
(
    stream LowCardinality(String),
    epoch UInt16,
    offset UInt64,
    hash String,
    stored_at DateTime64(3, 'UTC')
)
ENGINE = {{replacing(offset)}}
ORDER BY (stream, epoch);

CREATE VIEW {{database}}.event_positions {{on_cluster}} AS
SELECT stream, epoch, offset, hash, stored_at
FROM {{database}}.event_positions_rows FINAL;

-- Refusals name their stream, since there are several.
ALTER TABLE {{database}}.refusals_rows {{on_cluster}}
    ADD COLUMN IF NOT EXISTS stream LowCardinality(String) DEFAULT 'ocpp.frames';

CREATE OR REPLACE VIEW {{database}}.refusals {{on_cluster}} AS
SELECT generation, epoch, partition, code, offset, message, remedy, refused_at, stream
FROM {{database}}.refusals_rows;

-- The few frames among very many that tell of what the central system owns at chargers (reservations, charging profiles,
-- local lists, jobs): what it sent, and what chargers said of it by themselves. Picked out as they are archived, since the
-- archive lies in log order and is large.
CREATE TABLE {{database}}.follow_ups_rows {{on_cluster}}
(
    charge_point_id LowCardinality(String),
    action LowCardinality(String),
    epoch UInt16,
    partition UInt16,
    offset UInt64,
    direction LowCardinality(String),
    received_at DateTime64(3, 'UTC'),
    protocol LowCardinality(String),
    -- of a command: its id
    message_id String,
    -- of the CALL
    payload String CODEC(ZSTD(3)),
    -- what it was answered with, where that is a decision
    answer String CODEC(ZSTD(3))
)
ENGINE = {{replacing}}
ORDER BY (charge_point_id, action, epoch, partition, offset);

CREATE MATERIALIZED VIEW {{database}}.follow_ups_of_frames_rows {{on_cluster}} TO {{database}}.follow_ups_rows AS
SELECT
    charge_point_id, action, epoch, partition, offset, direction, received_at, protocol, message_id,
    JSONExtractRaw(frame, 4) AS payload, answer
FROM {{database}}.frames_rows
WHERE
    (
        direction = 'in'
        AND
        (
            action IN
            (
                'FirmwareStatusNotification', 'SignedFirmwareStatusNotification', 'DiagnosticsStatusNotification',
                'LogStatusNotification', 'PublishFirmwareStatusNotification', 'ReservationStatusUpdate'
            )
            OR (action IN ('StartTransaction', 'TransactionEvent') AND position(frame, '"reservationId"') > 0)
        )
    )
    OR
    (
        direction = 'out'
        AND action IN
        (
            'ReserveNow', 'CancelReservation', 'SetChargingProfile', 'ClearChargingProfile', 'SendLocalList',
            'GetLocalListVersion', 'UpdateFirmware', 'SignedUpdateFirmware', 'PublishFirmware', 'GetDiagnostics',
            'GetLog'
        )
    );

-- Those that were archived before.
INSERT INTO {{database}}.follow_ups_rows
    (charge_point_id, action, epoch, partition, offset, direction, received_at, protocol, message_id, payload, answer)
SELECT
    charge_point_id, action, epoch, partition, offset, direction, received_at, protocol, message_id,
    JSONExtractRaw(frame, 4) AS payload, answer
FROM {{database}}.frames_rows
WHERE
    (
        direction = 'in'
        AND
        (
            action IN
            (
                'FirmwareStatusNotification', 'SignedFirmwareStatusNotification', 'DiagnosticsStatusNotification',
                'LogStatusNotification', 'PublishFirmwareStatusNotification', 'ReservationStatusUpdate'
            )
            OR (action IN ('StartTransaction', 'TransactionEvent') AND position(frame, '"reservationId"') > 0)
        )
    )
    OR
    (
        direction = 'out'
        AND action IN
        (
            'ReserveNow', 'CancelReservation', 'SetChargingProfile', 'ClearChargingProfile', 'SendLocalList',
            'GetLocalListVersion', 'UpdateFirmware', 'SignedUpdateFirmware', 'PublishFirmware', 'GetDiagnostics',
            'GetLog'
        )
    );

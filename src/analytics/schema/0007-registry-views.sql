-- The registry as it is now and as it was, for people who ask with SQL. Only applied events count for what is; the
-- *_history views show the others too, with the reason why they changed nothing. Analysts see tokens as hashes (of the
-- upper-case uid, as everywhere), and no names and addresses of accounts.

-- Every event of one entity, with its state as JSON. For analysts a token's own words are hidden.
CREATE VIEW {{database}}.cms_events {{on_cluster}} AS
WITH
    getSetting('workload') = 'analyst' AS hides,
    '("(?:uid|group_id|visual_number|contract_id|name|email)"[[:space:]]*:[[:space:]]*)"(?:[^"\\\\]|\\\\.)*"' AS personal
SELECT
    kind,
    if(
        hides AND kind = 'token' AND entity_id != '',
        lower(substring(hex(SHA256(upper(entity_id))), 1, 16)), entity_id) AS entity_id,
    version,
    splitByChar('.', type)[-1] AS change,
    verdict,
    reason,
    actor,
    at,
    if(hides AND kind IN ('token', 'account'), replaceRegexpAll(state, personal, '\\1"***"'), state) AS state,
    id AS event_id,
    type,
    epoch,
    offset
FROM {{database}}.cms_events_rows FINAL;

-- The newest applied version of everything that is there.
CREATE VIEW {{database}}.cms_entities {{on_cluster}} AS
SELECT kind, entity_id, newest AS version, created_at, updated_at, actor, state
FROM
(
    SELECT
        kind, entity_id,
        max(e.version) AS newest,
        argMin(e.at, e.version) AS created_at,
        argMax(e.at, e.version) AS updated_at,
        argMax(e.actor, e.version) AS actor,
        argMax(e.state, e.version) AS state
    FROM {{database}}.cms_events AS e
    WHERE e.verdict = 'applied'
    GROUP BY kind, entity_id
)
WHERE state != '';

CREATE VIEW {{database}}.stations {{on_cluster}} AS
SELECT
    entity_id AS station_id,
    JSONExtractString(state, 'name') AS name,
    JSONExtractString(state, 'address') AS address,
    JSONExtractString(state, 'city') AS city,
    JSONExtractString(state, 'postal_code') AS postal_code,
    JSONExtractString(state, 'country') AS country,
    toFloat64OrNull(JSONExtractString(state, 'coordinates', 'latitude')) AS latitude,
    toFloat64OrNull(JSONExtractString(state, 'coordinates', 'longitude')) AS longitude,
    JSONExtractString(state, 'time_zone') AS time_zone,
    version, created_at, updated_at, actor, state
FROM {{database}}.cms_entities
WHERE kind = 'station';

CREATE VIEW {{database}}.points {{on_cluster}} AS
SELECT
    entity_id AS charge_point_id,
    JSONExtractString(state, 'station') AS station_id,
    JSONExtractString(state, 'name') AS name,
    JSONExtractString(state, 'vendor') AS vendor,
    JSONExtractString(state, 'model') AS model,
    JSONExtractString(state, 'serialNumber') AS serial_number,
    JSONExtractUInt(state, 'securityProfile') AS security_profile,
    JSONExtractString(state, 'account') AS account_id,
    JSONExtractString(state, 'tariff') AS tariff_id,
    JSONLength(state, 'evses') AS evses,
    arraySum(evse -> JSONLength(evse, 'connectors'), JSONExtractArrayRaw(state, 'evses')) AS connectors,
    version, created_at, updated_at, actor, state
FROM {{database}}.cms_entities
WHERE kind = 'point';

CREATE VIEW {{database}}.tariffs {{on_cluster}} AS
SELECT
    entity_id AS tariff_id,
    concat(entity_id, '@', toString(version)) AS tariff,
    JSONExtractString(state, 'currency') AS currency,
    JSONExtractString(state, 'type') AS type,
    parseDateTime64BestEffortOrNull(JSONExtractString(state, 'start_date_time'), 3, 'UTC') AS starts_at,
    parseDateTime64BestEffortOrNull(JSONExtractString(state, 'end_date_time'), 3, 'UTC') AS ends_at,
    JSONExtractRaw(state, 'elements') AS elements,
    version, created_at, updated_at, actor, state
FROM {{database}}.cms_entities
WHERE kind = 'tariff';

CREATE VIEW {{database}}.tokens {{on_cluster}} AS
SELECT
    entity_id AS id_token,
    JSONExtractString(state, 'type') AS type,
    JSONExtractString(state, 'status') AS status,
    JSONExtractString(state, 'account') AS account_id,
    JSONExtractString(state, 'tariff') AS tariff_id,
    parseDateTime64BestEffortOrNull(JSONExtractString(state, 'expiresAt'), 3, 'UTC') AS expires_at,
    version, created_at, updated_at, actor, state
FROM {{database}}.cms_entities
WHERE kind = 'token';

CREATE VIEW {{database}}.accounts {{on_cluster}} AS
SELECT
    entity_id AS account_id,
    JSONExtractString(state, 'role') AS role,
    JSONExtractString(state, 'name') AS name,
    JSONExtractString(state, 'email') AS email,
    JSONExtractBool(state, 'disabled')::Bool AS disabled,
    version, created_at, updated_at, actor, state
FROM {{database}}.cms_entities
WHERE kind = 'account';

CREATE VIEW {{database}}.outages {{on_cluster}} AS
SELECT
    entity_id AS outage_id,
    JSONExtractString(state, 'point') AS charge_point_id,
    JSONExtract(state, 'evseId', 'Nullable(UInt32)') AS evse_id,
    parseDateTime64BestEffortOrNull(JSONExtractString(state, 'from'), 3, 'UTC') AS `from`,
    parseDateTime64BestEffortOrNull(JSONExtractString(state, 'to'), 3, 'UTC') AS `to`,
    JSONExtractString(state, 'cause') AS cause,
    JSONExtractString(state, 'evidence') AS evidence,
    version, created_at, updated_at, actor, state
FROM {{database}}.cms_entities
WHERE kind = 'outage';

CREATE VIEW {{database}}.stations_history {{on_cluster}} AS
SELECT entity_id AS station_id, version, change, verdict, reason, actor, at, state, event_id, epoch, offset
FROM {{database}}.cms_events
WHERE kind = 'station';

CREATE VIEW {{database}}.points_history {{on_cluster}} AS
SELECT entity_id AS charge_point_id, version, change, verdict, reason, actor, at, state, event_id, epoch, offset
FROM {{database}}.cms_events
WHERE kind = 'point';

CREATE VIEW {{database}}.tariffs_history {{on_cluster}} AS
SELECT
    entity_id AS tariff_id, concat(entity_id, '@', toString(version)) AS tariff,
    version, change, verdict, reason, actor, at, state, event_id, epoch, offset
FROM {{database}}.cms_events
WHERE kind = 'tariff';

CREATE VIEW {{database}}.tokens_history {{on_cluster}} AS
SELECT entity_id AS id_token, version, change, verdict, reason, actor, at, state, event_id, epoch, offset
FROM {{database}}.cms_events
WHERE kind = 'token';

CREATE VIEW {{database}}.accounts_history {{on_cluster}} AS
SELECT entity_id AS account_id, version, change, verdict, reason, actor, at, state, event_id, epoch, offset
FROM {{database}}.cms_events
WHERE kind = 'account';

CREATE VIEW {{database}}.outages_history {{on_cluster}} AS
SELECT entity_id AS outage_id, version, change, verdict, reason, actor, at, state, event_id, epoch, offset
FROM {{database}}.cms_events
WHERE kind = 'outage';

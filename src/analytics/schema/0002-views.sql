-- What people query. Each view shows the newest version of every fact, in the generation that the newest
-- row of generations names. Who asks under the workload 'analyst' (as the user of that name always does) sees
-- tokens as hashes, and none in frames: idTag, parentIdTag of 1.6 and idToken of 2.x.

CREATE VIEW {{database}}.generations {{on_cluster}} AS
SELECT generation, code_version, activated_at, actor, reason
FROM {{database}}.generations_rows;

CREATE VIEW {{database}}.active_generation {{on_cluster}} AS
SELECT argMax(generation, (activated_at, generation)) AS generation
FROM {{database}}.generations_rows;

CREATE VIEW {{database}}.frames {{on_cluster}} AS
WITH '("(?:idTag|parentIdTag|idToken)"[[:space:]]*:[[:space:]]*)"(?:[^"\\\\]|\\\\.)*"' AS token
SELECT * REPLACE (
    if(getSetting('workload') = 'analyst', replaceRegexpAll(frame, token, '\\1"***"'), frame) AS frame,
    if(getSetting('workload') = 'analyst', replaceRegexpAll(answer, token, '\\1"***"'), answer) AS answer)
FROM {{database}}.frames_rows FINAL;

CREATE VIEW {{database}}.sessions {{on_cluster}} AS
SELECT * EXCEPT (generation, version, is_deleted) REPLACE (
    if(getSetting('workload') = 'analyst' AND id_token != '',
        lower(substring(hex(SHA256(upper(id_token))), 1, 16)), id_token) AS id_token)
FROM {{database}}.sessions_rows FINAL
WHERE generation = (SELECT generation FROM {{database}}.active_generation);

CREATE VIEW {{database}}.meter_values {{on_cluster}} AS
SELECT * EXCEPT (generation, version, is_deleted)
FROM {{database}}.meter_values_rows FINAL
WHERE generation = (SELECT generation FROM {{database}}.active_generation);

CREATE VIEW {{database}}.energy_15m {{on_cluster}} AS
SELECT * EXCEPT (generation, version, is_deleted)
FROM {{database}}.energy_15m_rows FINAL
WHERE generation = (SELECT generation FROM {{database}}.active_generation);

CREATE VIEW {{database}}.status_intervals {{on_cluster}} AS
SELECT * EXCEPT (generation, version, is_deleted)
FROM {{database}}.status_intervals_rows FINAL
WHERE generation = (SELECT generation FROM {{database}}.active_generation);

CREATE VIEW {{database}}.connections {{on_cluster}} AS
SELECT * EXCEPT (generation, version, is_deleted)
FROM {{database}}.connections_rows FINAL
WHERE generation = (SELECT generation FROM {{database}}.active_generation);

CREATE VIEW {{database}}.anomalies {{on_cluster}} AS
SELECT charge_point_id, session_id, at, kind, detail, epoch, partition, offset
FROM {{database}}.anomalies_rows FINAL
WHERE generation = (SELECT generation FROM {{database}}.active_generation)
UNION ALL
SELECT
    charge_point_id, toNullable(session_id) AS session_id, last_seen_at AS at, kind, detail,
    toUInt16(intDiv(version, 281474976710656)) AS epoch, partition, offset
FROM {{database}}.sessions_rows FINAL
ARRAY JOIN anomalies AS kind, anomaly_details AS detail
WHERE generation = (SELECT generation FROM {{database}}.active_generation);

CREATE VIEW {{database}}.checkpoints {{on_cluster}} AS
SELECT generation, epoch, partition, next_offset, last_offset, last_hash, states, taken_at
FROM {{database}}.checkpoints_rows
WHERE kind = 'marker';

-- The status of every connector of some charge points now, and which OCPP they speak: what connector 2 means depends on it.
WITH wanted AS (SELECT arrayJoin(JSONExtract({charge_point_ids:String}, 'Array(String)')) AS id)
SELECT
    s.charge_point_id AS charge_point_id, s.evse_id AS evse_id, s.connector_id AS connector_id, s.status AS status,
    s.`from` AS since, c.protocol AS protocol, toFloat64(s.version) AS version
FROM status_intervals_rows AS s FINAL
LEFT JOIN
(
    SELECT charge_point_id, argMax(protocol, (`from`, connection)) AS protocol
    FROM connections
    WHERE charge_point_id IN (wanted)
    GROUP BY charge_point_id
) AS c ON c.charge_point_id = s.charge_point_id
WHERE s.generation = (SELECT generation FROM active_generation)
    AND s.`to` IS NULL
    AND s.charge_point_id IN (wanted)
ORDER BY charge_point_id, evse_id, connector_id
LIMIT {limit:UInt32}

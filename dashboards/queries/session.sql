-- One session with everything known of it, and its samples in order of time.
SELECT
    * EXCEPT (id_token, anomalies, anomaly_details),
    if(id_token = '', '', lower(substring(hex(SHA256(upper(id_token))), 1, 16))) AS id_token_hash,
    arrayMap((kind, detail) -> (kind, detail)::Tuple(kind String, detail String), anomalies, anomaly_details)
        AS anomalies,
    (
        SELECT groupArray(sample)
        FROM
        (
            SELECT
                (ts, measurand, phase, location, context, value, unit, raw, signed, partition, offset)
                ::Tuple(
                    ts DateTime64(3, 'UTC'), measurand String, phase String, location String, context String,
                    value Nullable(Decimal(18, 3)), unit String, raw String, signed String,
                    partition UInt16, offset UInt64
                ) AS sample
            FROM meter_values
            WHERE session_id = {session_id:UUID}
                AND charge_point_id IN (SELECT charge_point_id FROM sessions WHERE session_id = {session_id:UUID})
            ORDER BY ts, measurand, phase, location, context, raw
            LIMIT {samples:UInt32}
        )
    ) AS meter_values
FROM sessions
WHERE session_id = {session_id:UUID}

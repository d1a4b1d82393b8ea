-- Charge points by name: presence, connectors and what is going on at them. `after` continues behind a name.
-- Last seen: the newest of its connection's ends, its sessions, and its frames of the last hour (a connected
-- charger sends a Heartbeat far more often; more of the archive is not read for a list). Frames are read
-- without FINAL: a greatest value does not mind repetition.
SELECT
    charge_point_id,
    max(part_connected)::Bool AS connected,
    argMax(part_protocol, part_since) AS protocol,
    argMax(part_gateway, part_since) AS gateway,
    argMax(part_address, part_since) AS address,
    max(part_seen) AS last_seen_at,
    groupArrayArray(part_connectors) AS connectors,
    groupArrayArray(part_sessions) AS active_sessions
FROM
(
    SELECT
        charge_point_id,
        countIf(`to` IS NULL) > 0 AS part_connected,
        max(`from`) AS part_since,
        argMax(protocol, `from`) AS part_protocol,
        argMax(gateway, `from`) AS part_gateway,
        argMax(address, `from`) AS part_address,
        max(ifNull(`to`, `from`)) AS part_seen,
        []::Array(Tuple(evse_id UInt32, connector_id UInt32, status String, error_code String, vendor_code String, since DateTime64(3, 'UTC')))
            AS part_connectors,
        []::Array(Tuple(session_id UUID, evse_id Nullable(UInt32), connector_id Nullable(UInt32), transaction_id String, started_at DateTime64(3, 'UTC'), energy_wh Nullable(Decimal(18, 3))))
            AS part_sessions
    FROM connections
    WHERE {charge_point_id:String} = '' OR charge_point_id = {charge_point_id:String}
    GROUP BY charge_point_id

    UNION ALL

    SELECT
        charge_point_id, false, toDateTime64(0, 3, 'UTC'), '', '', '', toDateTime64(0, 3, 'UTC'),
        arraySort(connector -> (connector.1, connector.2),
            groupArray((evse_id, connector_id, status, error_code, vendor_code, `from`)
                ::Tuple(evse_id UInt32, connector_id UInt32, status String, error_code String, vendor_code String, since DateTime64(3, 'UTC')))),
        []
    FROM status_intervals
    WHERE `to` IS NULL
        AND ({charge_point_id:String} = '' OR charge_point_id = {charge_point_id:String})
    GROUP BY charge_point_id

    UNION ALL

    SELECT
        charge_point_id, false, toDateTime64(0, 3, 'UTC'), '', '', '', max(last_seen_at), [],
        arraySort(session -> (session.5, session.1),
            groupArrayIf((session_id, evse_id, connector_id, transaction_id, started_at, energy_wh)
                ::Tuple(session_id UUID, evse_id Nullable(UInt32), connector_id Nullable(UInt32), transaction_id String, started_at DateTime64(3, 'UTC'), energy_wh Nullable(Decimal(18, 3))),
                status = 'active'))
    FROM sessions
    WHERE {charge_point_id:String} = '' OR charge_point_id = {charge_point_id:String}
    GROUP BY charge_point_id

    UNION ALL

    SELECT
        charge_point_id, false, toDateTime64(0, 3, 'UTC'), '', '', '', max(received_at), [], []
    FROM frames_rows
    WHERE ({charge_point_id:String} = '' OR charge_point_id = {charge_point_id:String})
        AND received_at >= {now:DateTime64(3, 'UTC')} - INTERVAL 1 HOUR
        AND action NOT IN ('GatewayAlive', 'GatewayStarted')
    GROUP BY charge_point_id
)
WHERE charge_point_id > {after:String}
GROUP BY charge_point_id
HAVING {connected:String} = '' OR connected = ({connected:String} = 'true')
ORDER BY charge_point_id
LIMIT {limit:UInt32}

-- One command with its whole life: what was asked, what the charger answered, each step in the order of the log.
SELECT
    c.command_id AS command_id, c.charge_point_id AS charge_point_id, c.action AS action, c.operation AS operation,
    c.actor AS actor, c.protocol AS protocol, c.status AS status, c.requested_at AS requested_at, c.kept_at AS kept_at,
    c.released_at AS released_at, c.sent_at AS sent_at, c.ended_at AS ended_at, c.duration_ms AS duration_ms,
    c.deadline AS deadline, c.queue_until AS queue_until, c.charger_status AS charger_status,
    c.error_code AS error_code, c.error AS error, c.delivery AS delivery, c.gateway AS gateway,
    c.connection AS connection, c.digest AS digest, c.request AS request, c.response AS response,
    (
        SELECT groupArray((step, at, terminal, gateway, status, code, detail, delivery)
            ::Tuple(
                step String, at DateTime64(3, 'UTC'), terminal Bool, gateway String, status String, code String,
                detail String, delivery String))
        FROM
        (
            SELECT step, at, terminal, gateway, status, code, detail, delivery
            FROM command_steps
            WHERE command_id = {command_id:UUID}
            ORDER BY epoch, offset
            LIMIT 100
        )
    ) AS steps,
    (
        SELECT groupArray(payload)
        FROM (SELECT payload FROM charging_events WHERE command_id = {command_id:UUID} ORDER BY epoch, offset LIMIT 100)
    ) AS events
FROM commands AS c
WHERE c.command_id = {command_id:UUID}

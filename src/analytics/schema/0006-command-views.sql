-- What became of commands, and what the central system owns through them. All of it is computed when it is asked, from
-- rows that never change: whatever order records and repeats arrive in, the answer is that of the whole log. Views whose
-- name ends in _rows hold tokens and are not for analysts, as tables of that ending are not.

CREATE VIEW {{database}}.charging_events {{on_cluster}} AS
WITH '("(?:idTag|parentIdTag|idToken)"[[:space:]]*:[[:space:]]*)"(?:[^"\\\\]|\\\\.)*"' AS token
SELECT
    id, type, at, charge_point_id, session_id,
    if(topic = 'command', toNullable(command_id), NULL) AS command_id, station_id, account_id, status,
    if(getSetting('workload') = 'analyst', replaceRegexpAll(payload, token, '\\1"***"'), payload) AS payload,
    epoch, offset
FROM {{database}}.charging_events_rows FINAL
WHERE topic != 'unreadable';

CREATE VIEW {{database}}.command_steps {{on_cluster}} AS
SELECT
    command_id, charge_point_id, substring(type, 9) AS step, at,
    (step IN ('accepted', 'rejected', 'failed', 'timed-out', 'offline'))::Bool AS terminal,
    gateway, connection, status, code, detail, delivery, deadline, queue_until, id AS event_id, epoch, offset
FROM {{database}}.charging_events_rows FINAL
WHERE topic = 'command';

-- One row per command. The first terminal step in the log is what came of it; later ones (an answer after the
-- deadline, a second sweep) change nothing. `status` of a command under way is its newest step.
CREATE VIEW {{database}}.commands_rows {{on_cluster}} AS
WITH
    epoch * 281474976710656 + offset AS place,
    substring(type, 9) AS step,
    step IN ('accepted', 'rejected', 'failed', 'timed-out', 'offline') AS terminal
SELECT
    command_id,
    charge_point_id,
    argMinIf(action, place, step = 'requested') AS action,
    argMinIf(operation, place, step = 'requested') AS operation,
    argMinIf(actor, place, step = 'requested') AS actor,
    argMinIf(protocol, place, step = 'requested') AS protocol,
    if(countIf(terminal) > 0, argMinIf(step, place, terminal), argMax(step, place)) AS status,
    ifNull(argMinOrNullIf(at, place, step = 'requested'), min(at)) AS requested_at,
    argMinOrNullIf(at, place, step = 'kept') AS kept_at,
    argMinOrNullIf(at, place, step = 'released') AS released_at,
    argMinOrNullIf(at, place, step = 'sent') AS sent_at,
    argMinOrNullIf(at, place, terminal) AS ended_at,
    dateDiff('millisecond', requested_at, ended_at) AS duration_ms,
    -- a kept command has another once it is released
    argMaxIf(deadline, place, deadline IS NOT NULL) AS deadline,
    argMaxIf(queue_until, place, queue_until IS NOT NULL) AS queue_until,
    argMinIf(command_status, place, terminal) AS charger_status,
    argMinIf(code, place, terminal) AS error_code,
    argMinIf(detail, place, terminal) AS error,
    -- "Certainly not written" may come from an api that had not read of `sent` yet.
    if(
        argMinIf(delivery, place, terminal) = 'not-delivered'
            AND minIf(place, step = 'sent') < minIf(place, terminal) AND countIf(step = 'sent') > 0,
        'delivery-unknown', argMinIf(delivery, place, terminal)) AS delivery,
    argMinIf(gateway, place, gateway != '') AS gateway,
    argMinIf(connection, place, connection != '') AS connection,
    argMinIf(digest, place, step = 'requested') AS digest,
    JSONExtractRaw(argMinIf(payload, place, step = 'requested'), 'payload') AS request,
    JSONExtractRaw(argMinIf(payload, place, terminal), 'response') AS response,
    argMinOrNullIf(place, place, terminal) AS ended_place
FROM
(
    SELECT * EXCEPT (status), status AS command_status
    FROM {{database}}.charging_events_rows FINAL
    WHERE topic = 'command'
)
GROUP BY charge_point_id, command_id;

CREATE VIEW {{database}}.commands {{on_cluster}} AS
WITH '("(?:idTag|parentIdTag|idToken)"[[:space:]]*:[[:space:]]*)"(?:[^"\\\\]|\\\\.)*"' AS token
SELECT * EXCEPT (ended_place) REPLACE (
    if(getSetting('workload') = 'analyst', replaceRegexpAll(request, token, '\\1"***"'), request) AS request,
    if(getSetting('workload') = 'analyst', replaceRegexpAll(response, token, '\\1"***"'), response) AS response)
FROM {{database}}.commands_rows;

-- Commands about what the central system owns at chargers, as they were sent: what waited for a charger was asked for in
-- the words of a route, and became an action and a payload of the charger's version when it was back.
CREATE VIEW {{database}}.sent_commands_rows {{on_cluster}} AS
WITH
    (
        'ReserveNow', 'CancelReservation', 'SetChargingProfile', 'ClearChargingProfile', 'SendLocalList',
        'GetLocalListVersion', 'UpdateFirmware', 'SignedUpdateFirmware', 'PublishFirmware', 'GetDiagnostics', 'GetLog'
    ) AS owning,
    sent AS
    (
        SELECT toUUIDOrZero(message_id) AS command_id, action, protocol, payload
        FROM {{database}}.follow_ups_rows
        WHERE direction = 'out'
    )
SELECT
    asked.* REPLACE (
        if(sent.payload = '', asked.action, sent.action) AS action,
        if(sent.payload = '', asked.protocol, sent.protocol) AS protocol,
        if(sent.payload = '', asked.request, sent.payload) AS request)
FROM
(
    SELECT *
    FROM {{database}}.commands_rows
    WHERE command_id IN
    (
        SELECT command_id
        FROM {{database}}.charging_events_rows
        WHERE topic = 'command' AND action IN owning
        UNION ALL
        SELECT command_id FROM sent
    )
) AS asked
LEFT ANY JOIN sent ON asked.command_id = sent.command_id;

-- One row per reservation that a charger accepted. It ends with the first of: it was cancelled (accepted), replaced (its
-- id was reserved again), used (a transaction names it), expired or removed (the charger says so, OCPP 2.x), its expiry.
CREATE VIEW {{database}}.reservations {{on_cluster}} AS
WITH
    asked AS
    (
        SELECT
            charge_point_id, command_id, action, actor, protocol, assumeNotNull(ended_at) AS at, request,
            if(JSONHas(request, 'reservationId'), JSONExtractInt(request, 'reservationId'), JSONExtractInt(request, 'id'))
                AS reservation_id
        FROM {{database}}.sent_commands_rows
        WHERE status = 'accepted'
            AND action IN ('ReserveNow', 'CancelReservation')
    ),
    -- What charge points said, as [id, how it ended, transaction].
    told AS
    (
        SELECT
            charge_point_id, received_at AS at, JSONExtractInt(payload, 'reservationId') AS reservation_id,
            multiIf(
                action IN ('StartTransaction', 'TransactionEvent'), 'used',
                lower(JSONExtractString(payload, 'reservationUpdateStatus'))) AS how,
            multiIf(
                action = 'StartTransaction', toString(JSONExtractInt(answer, 'transactionId')),
                action = 'TransactionEvent', JSONExtractString(payload, 'transactionInfo', 'transactionId'),
                '') AS transaction_id
        FROM {{database}}.follow_ups_rows FINAL
        WHERE action IN ('StartTransaction', 'TransactionEvent', 'ReservationStatusUpdate')
            AND JSONType(payload, 'reservationId') IN ('Int64', 'UInt64')
    ),
    ends AS
    (
        SELECT
            charge_point_id, at, reservation_id, if(action = 'ReserveNow', 'replaced', 'cancelled') AS how,
            '' AS transaction_id
        FROM asked
        UNION ALL
        SELECT charge_point_id, at, reservation_id, how, transaction_id FROM told
    ),
    made AS
    (
        SELECT
            charge_point_id, reservation_id, at, command_id, actor, protocol,
            JSONExtract(request, 'connectorId', 'Nullable(UInt32)') AS connector_id,
            JSONExtract(request, 'evseId', 'Nullable(UInt32)') AS evse_id,
            JSONExtractString(request, 'connectorType') AS connector_type,
            if(
                JSONHas(request, 'idTag'), JSONExtractString(request, 'idTag'),
                JSONExtractString(request, 'idToken', 'idToken')) AS token,
            parseDateTime64BestEffortOrNull(
                if(
                    JSONHas(request, 'expiryDate'), JSONExtractString(request, 'expiryDate'),
                    JSONExtractString(request, 'expiryDateTime')), 3, 'UTC') AS expires_at
        FROM asked
        WHERE action = 'ReserveNow'
    ),
    sessions_of AS
    (
        SELECT charge_point_id, transaction_id, argMax(session_id, started_at) AS session_id
        FROM {{database}}.sessions
        WHERE charge_point_id IN (SELECT charge_point_id FROM told WHERE how = 'used')
        GROUP BY charge_point_id, transaction_id
    ),
    -- An order that came after its expiry found nothing to end.
    ends.how IN ('cancelled', 'replaced', 'removed') AND made.expires_at < ends.at AS too_late,
    multiIf(ends.how = '', '', too_late, 'expired', ends.how) AS why
SELECT
    made.charge_point_id AS charge_point_id,
    made.reservation_id AS reservation_id,
    made.connector_id AS connector_id,
    made.evse_id AS evse_id,
    made.connector_type AS connector_type,
    if(
        getSetting('workload') = 'analyst' AND made.token != '',
        lower(substring(hex(SHA256(upper(made.token))), 1, 16)), made.token) AS id_token,
    made.at AS reserved_at,
    made.expires_at AS expires_at,
    multiIf(why != '', why, made.expires_at <= now64(3, 'UTC'), 'expired', 'active') AS status,
    why AS ended_by,
    multiIf(why = '', NULL, too_late, made.expires_at, toNullable(ends.at)) AS ended_at,
    if(why = 'used', ends.transaction_id, '') AS transaction_id,
    if(why = 'used' AND sessions_of.transaction_id != '', toNullable(sessions_of.session_id), NULL) AS session_id,
    made.command_id AS command_id,
    made.actor AS actor,
    made.protocol AS protocol
FROM made
ASOF LEFT JOIN ends
    ON made.charge_point_id = ends.charge_point_id
    AND made.reservation_id = ends.reservation_id
    AND made.at < ends.at
LEFT ANY JOIN sessions_of
    ON made.charge_point_id = sessions_of.charge_point_id AND ends.transaction_id = sessions_of.transaction_id;

-- One row per charging profile that a charger accepted by SetChargingProfile. connector_id (1.6) or evse_id (2.x) 0 is the
-- charge point as a whole. It ends when it was cleared (ClearChargingProfile accepted, by id or by criteria), replaced (its
-- id was set again; in 1.6 also the same purpose and stack level at the same connector), or with its transaction.
CREATE VIEW {{database}}.charging_profiles {{on_cluster}} AS
WITH
    asked AS
    (
        SELECT
            charge_point_id, command_id, action, actor, protocol, assumeNotNull(ended_at) AS at,
            assumeNotNull(ended_place) AS place, request,
            if(JSONHas(request, 'csChargingProfiles'), 'csChargingProfiles', 'chargingProfile') AS field
        FROM {{database}}.sent_commands_rows
        WHERE status = 'accepted'
            AND action IN ('SetChargingProfile', 'ClearChargingProfile')
    ),
    keyed AS
    (
        SELECT
            charge_point_id, command_id, actor, protocol, at, place, action = 'SetChargingProfile' AS sets,
            JSONExtract(request, 'connectorId', 'Nullable(UInt32)') AS connector_id,
            JSONExtract(request, 'evseId', 'Nullable(UInt32)') AS evse_id,
            JSONExtractRaw(request, field) AS profile,
            if(
                JSONHas(profile, 'chargingProfileId'), JSONExtractInt(profile, 'chargingProfileId'),
                JSONExtractInt(profile, 'id')) AS profile_id,
            JSONExtractInt(profile, 'stackLevel') AS stack_level,
            JSONExtractString(profile, 'chargingProfilePurpose') AS purpose,
            if(
                JSONType(profile, 'transactionId') = 'String', JSONExtractString(profile, 'transactionId'),
                JSONExtractRaw(profile, 'transactionId')) AS transaction_id,
            toString(ifNull(coalesce(connector_id, evse_id), 0)) AS outlet,
            -- All that a clear could name a profile by: its id; and its criteria, any of them left open.
            arrayConcat(
                [concat('id:', toString(profile_id))],
                arrayMap(
                    open -> concat(
                        if(bitTest(open, 0), '*', outlet), '/', if(bitTest(open, 1), '*', purpose), '/',
                        if(bitTest(open, 2), '*', toString(stack_level))),
                    range(8))) AS own_keys,
            if(
                JSONHas(request, 'chargingProfileCriteria'), JSONExtractRaw(request, 'chargingProfileCriteria'),
                request) AS criteria,
            multiIf(
                sets AND protocol = 'ocpp1.6', [own_keys[1], own_keys[2]],
                sets, [own_keys[1]],
                JSONHas(request, 'id'), [concat('id:', toString(JSONExtractInt(request, 'id')))],
                JSONHas(request, 'chargingProfileId'),
                [concat('id:', toString(JSONExtractInt(request, 'chargingProfileId')))],
                [
                    concat(
                        multiIf(
                            JSONHas(criteria, 'connectorId'), toString(JSONExtractInt(criteria, 'connectorId')),
                            JSONHas(criteria, 'evseId'), toString(JSONExtractInt(criteria, 'evseId')), '*'),
                        '/',
                        if(
                            JSONHas(criteria, 'chargingProfilePurpose'),
                            JSONExtractString(criteria, 'chargingProfilePurpose'), '*'),
                        '/',
                        if(JSONHas(criteria, 'stackLevel'), toString(JSONExtractInt(criteria, 'stackLevel')), '*'))
                ]) AS ended_keys,
            arrayJoin(if(sets, own_keys, ended_keys)) AS key,
            has(ended_keys, key) AS ends
        FROM asked
    ),
    -- Under each key, the next that ends what was set before it. From the newest on, so that the frame only grows.
    followed AS
    (
        SELECT
            *,
            minIf((place, at, if(sets, 'replaced', 'cleared')), ends) OVER
            (
                PARTITION BY charge_point_id, key ORDER BY place DESC
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS next_end
        FROM keyed
    ),
    made AS
    (
        SELECT
            command_id, any(charge_point_id) AS charge_point_id, any(actor) AS actor, any(protocol) AS protocol,
            any(at) AS at, any(connector_id) AS connector_id, any(evse_id) AS evse_id, any(profile) AS profile,
            any(profile_id) AS profile_id, any(stack_level) AS stack_level, any(purpose) AS purpose,
            any(transaction_id) AS transaction_id,
            minIf(next_end, next_end.1 > 0) AS first_end,
            if(first_end.1 > 0, first_end.3, '') AS how
        FROM followed
        WHERE sets
        GROUP BY command_id
    ),
    ended_sessions AS
    (
        SELECT charge_point_id, transaction_id, min(assumeNotNull(stopped_at)) AS at
        FROM {{database}}.sessions
        WHERE stopped_at IS NOT NULL
            AND charge_point_id IN
            (
                SELECT charge_point_id FROM {{database}}.charging_events_rows
                WHERE topic = 'command' AND action = 'SetChargingProfile'
            )
        GROUP BY charge_point_id, transaction_id
    ),
    made.purpose = 'TxProfile' AND ended_sessions.transaction_id != ''
        AND (made.how = '' OR ended_sessions.at < made.first_end.2) AS with_transaction,
    if(with_transaction, 'transaction-ended', made.how) AS why,
    parseDateTime64BestEffortOrNull(JSONExtractString(made.profile, 'validTo'), 3, 'UTC') AS until
SELECT
    made.charge_point_id AS charge_point_id,
    made.connector_id AS connector_id,
    made.evse_id AS evse_id,
    made.profile_id AS profile_id,
    made.stack_level AS stack_level,
    made.purpose AS purpose,
    JSONExtractString(made.profile, 'chargingProfileKind') AS kind,
    JSONExtractString(made.profile, 'recurrencyKind') AS recurrency,
    parseDateTime64BestEffortOrNull(JSONExtractString(made.profile, 'validFrom'), 3, 'UTC') AS valid_from,
    until AS valid_to,
    made.transaction_id AS transaction_id,
    JSONExtractRaw(made.profile, 'chargingSchedule') AS schedule,
    made.at AS set_at,
    multiIf(why != '', why, until <= now64(3, 'UTC'), 'expired', 'active') AS status,
    why AS ended_by,
    multiIf(why = '', NULL, with_transaction, toNullable(ended_sessions.at), toNullable(made.first_end.2)) AS ended_at,
    made.command_id AS command_id,
    made.actor AS actor,
    made.protocol AS protocol
FROM made
LEFT ANY JOIN ended_sessions
    ON made.charge_point_id = ended_sessions.charge_point_id AND made.transaction_id = ended_sessions.transaction_id;

-- One row per charge point: the local authorization list that it last accepted, and the version that it last named.
CREATE VIEW {{database}}.local_lists {{on_cluster}} AS
WITH JSONHas(request, 'listVersion') AS is_16
SELECT
    charge_point_id,
    argMaxOrNullIf(
        if(is_16, JSONExtractInt(request, 'listVersion'), JSONExtractInt(request, 'versionNumber')),
        ended_place, sets) AS version,
    argMaxIf(JSONExtractString(request, 'updateType'), ended_place, sets) AS update_type,
    argMaxOrNullIf(
        JSONLength(request, 'localAuthorizationList'), ended_place, sets) AS entries,
    maxOrNullIf(ended_at, sets) AS updated_at,
    argMaxOrNullIf(command_id, ended_place, sets) AS command_id,
    argMaxIf(actor, ended_place, sets) AS actor,
    argMaxOrNullIf(
        if(
            JSONHas(response, 'listVersion'), JSONExtractInt(response, 'listVersion'),
            JSONExtractInt(response, 'versionNumber')),
        ended_place, NOT sets) AS reported_version,
    maxOrNullIf(ended_at, NOT sets) AS reported_at
FROM
(
    SELECT *, action = 'SendLocalList' AS sets
    FROM {{database}}.sent_commands_rows
    WHERE status = 'accepted'
        AND action IN ('SendLocalList', 'GetLocalListVersion')
)
GROUP BY charge_point_id;

-- One row per firmware update, upload of diagnostics or upload of a log that was asked of a charger, with what it then
-- told of it. A notification belongs to the job whose requestId it names (the newest, should one be used twice); without
-- one to the newest job of its kind that had been sent by then.
CREATE VIEW {{database}}.jobs {{on_cluster}} AS
WITH
    asked AS
    (
        SELECT
            *,
            transform(
                action,
                ['UpdateFirmware', 'SignedUpdateFirmware', 'PublishFirmware', 'GetDiagnostics', 'GetLog'],
                [
                    'FirmwareStatusNotification', 'SignedFirmwareStatusNotification',
                    'PublishFirmwareStatusNotification', 'DiagnosticsStatusNotification', 'LogStatusNotification'
                ],
                '') AS channel,
            JSONExtract(request, 'requestId', 'Nullable(Int64)') AS request_id,
            ifNull(sent_at, requested_at) AS since
        FROM {{database}}.sent_commands_rows
        WHERE action IN ('UpdateFirmware', 'SignedUpdateFirmware', 'PublishFirmware', 'GetDiagnostics', 'GetLog')
    ),
    begun AS
    (
        SELECT
            charge_point_id, command_id, channel, since,
            arrayJoin(if(request_id IS NULL, [''], ['', toString(assumeNotNull(request_id))])) AS key
        FROM asked
        WHERE status IN ('sent', 'accepted') OR delivery = 'delivery-unknown'
    ),
    told AS
    (
        SELECT
            charge_point_id, action AS channel, received_at, (epoch, offset) AS place,
            JSONExtractString(payload, 'status') AS told_status,
            if(JSONHas(payload, 'requestId'), JSONExtractRaw(payload, 'requestId'), '') AS key
        FROM {{database}}.follow_ups_rows FINAL
        WHERE action IN
        (
            'FirmwareStatusNotification', 'SignedFirmwareStatusNotification', 'PublishFirmwareStatusNotification',
            'DiagnosticsStatusNotification', 'LogStatusNotification'
        )
    ),
    reports AS
    (
        SELECT
            begun.command_id AS command_id,
            arraySort(groupArray((told.received_at, told.place, told.told_status))) AS sorted,
            -- Idle says that nothing is under way, and so nothing of this job.
            arrayFilter(report -> report.3 != 'Idle', sorted) AS telling
        FROM told
        ASOF INNER JOIN begun
            ON told.charge_point_id = begun.charge_point_id AND told.channel = begun.channel
            AND told.key = begun.key AND told.received_at >= begun.since
        GROUP BY command_id
    ),
    if(empty(reports.telling), '', reports.telling[-1].3) AS last_status
SELECT
    asked.charge_point_id AS charge_point_id,
    asked.command_id AS command_id,
    transform(
        asked.action, ['GetDiagnostics', 'GetLog', 'PublishFirmware'], ['diagnostics', 'log', 'publish-firmware'],
        'firmware') AS kind,
    asked.action AS action,
    asked.request_id AS request_id,
    asked.actor AS actor,
    asked.protocol AS protocol,
    asked.requested_at AS requested_at,
    asked.status AS command_status,
    asked.charger_status AS charger_status,
    multiIf(
        last_status IN ('Installed', 'Uploaded', 'Published'), 'done',
        last_status IN
        (
            'DownloadFailed', 'InstallationFailed', 'InstallVerificationFailed', 'InvalidSignature', 'UploadFailed',
            'UploadFailure', 'BadMessage', 'NotSupportedOperation', 'PermissionDenied', 'PublishFailed',
            'InvalidChecksum', 'RevokedCertificate', 'InvalidCertificate'
        ), 'failed',
        last_status = 'AcceptedCanceled', 'cancelled',
        last_status != '' OR asked.status = 'accepted', 'running',
        asked.delivery = 'delivery-unknown', 'unknown',
        asked.status IN ('rejected', 'failed', 'offline', 'timed-out'), 'not-begun',
        'requested') AS state,
    last_status AS status,
    if(empty(reports.telling), NULL, toNullable(reports.telling[-1].1)) AS status_at,
    arrayMap(report -> (report.1, report.3)::Tuple(at DateTime64(3, 'UTC'), status String), reports.sorted) AS reports,
    if(
        JSONHas(asked.response, 'fileName'), JSONExtractString(asked.response, 'fileName'),
        JSONExtractString(asked.response, 'filename')) AS file
FROM asked
LEFT ANY JOIN reports ON asked.command_id = reports.command_id;

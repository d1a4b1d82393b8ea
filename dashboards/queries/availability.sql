-- Up-time per connector in a window: the share of the known time in which it was neither offline nor faulted
-- nor unavailable (23 CFR 680.116(b), without the exclusions, which need evidence from people). Time before a
-- connector's first report is unknown and counts neither way.
SELECT
    charge_point_id, evse_id, connector_id,
    sumIf(seconds, status NOT IN ('Offline', 'Faulted', 'Unavailable')) AS up_s,
    sumIf(seconds, status = 'Offline') AS offline_s,
    sumIf(seconds, status = 'Faulted') AS faulted_s,
    sumIf(seconds, status = 'Unavailable') AS unavailable_s,
    sum(seconds) AS known_s,
    if(known_s = 0, NULL, round(up_s / known_s, 6)) AS availability
FROM
(
    SELECT
        charge_point_id, evse_id, connector_id, status,
        dateDiff(
            'millisecond',
            greatest(`from`, {from:DateTime64(3, 'UTC')}),
            least(ifNull(`to`, {to:DateTime64(3, 'UTC')}), {to:DateTime64(3, 'UTC')})
        ) / 1000 AS seconds
    FROM status_intervals
    WHERE ({charge_point_id:String} = '' OR charge_point_id = {charge_point_id:String})
        AND (evse_id, connector_id) != (0, 0)
        AND `from` < {to:DateTime64(3, 'UTC')}
        AND (`to` IS NULL OR `to` > {from:DateTime64(3, 'UTC')})
)
GROUP BY charge_point_id, evse_id, connector_id
ORDER BY availability, charge_point_id, evse_id, connector_id
LIMIT {limit:UInt32}

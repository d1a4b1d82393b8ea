-- The samples of some sessions that prices are computed from, in order of time.
WITH (SELECT groupArray(toUUIDOrZero(id)) FROM (SELECT arrayJoin(JSONExtract({session_ids:String}, 'Array(String)')) AS id)) AS wanted
SELECT assumeNotNull(session_id) AS session_id, ts, measurand, phase, location, context, value
FROM meter_values
WHERE charge_point_id IN (SELECT arrayJoin(JSONExtract({charge_point_ids:String}, 'Array(String)')))
    AND ts >= {from:DateTime64(3, 'UTC')}
    AND ts < {to:DateTime64(3, 'UTC')}
    AND has(wanted, assumeNotNull(session_id))
    AND session_id IS NOT NULL
    AND measurand IN
    (
        'Energy.Active.Import.Register', 'Energy.Active.Import.Interval', 'Power.Active.Import', 'Current.Import'
    )
    AND value IS NOT NULL
ORDER BY session_id, ts, measurand, phase, location, context
LIMIT {limit:UInt32}

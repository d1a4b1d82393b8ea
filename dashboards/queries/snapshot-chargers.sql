-- Every charger's newest connection, and the version of the newest row about any of them: what notifications are laid
-- over. An older connection may be closed after the newest one was opened: hence the greatest version of all.
SELECT
    charge_point_id,
    (countIf(`to` IS NULL) > 0)::Bool AS online,
    argMax(protocol, `from`) AS protocol,
    argMax(gateway, `from`) AS gateway,
    argMax(address, `from`) AS address,
    if(online, max(`from`), max(ifNull(`to`, `from`))) AS since,
    toFloat64(max(version)) AS version
FROM
(
    SELECT charge_point_id, protocol, gateway, address, `from`, `to`, version
    FROM connections_rows FINAL
    WHERE generation = (SELECT generation FROM active_generation)
        AND ({charge_point_id:String} = '' OR charge_point_id = {charge_point_id:String})
)
GROUP BY charge_point_id
ORDER BY charge_point_id
LIMIT {limit:UInt32}

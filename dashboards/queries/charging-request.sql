-- A customer's request: what was published about it and about its command, in the order of the log.
SELECT payload
FROM charging_events
WHERE (startsWith(type, 'charging.') AND JSONExtractString(payload, 'requestId') = {request_id:String})
    OR command_id = toUUID({request_id:String})
ORDER BY epoch, offset
LIMIT 100

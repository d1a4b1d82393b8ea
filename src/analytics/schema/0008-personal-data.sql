-- Nothing here names a person any more: analytics leaves names, e-mail addresses and what is printed on cards out of its
-- rows (they stand sealed in cms.events.log), and what was written before is taken out here.

ALTER TABLE {{database}}.cms_events_rows {{on_cluster}}
UPDATE state = replaceRegexpOne(
    replaceRegexpAll(
        state, '"(?:name|email|contract_id|visual_number)"[[:space:]]*:[[:space:]]*"(?:[^"\\\\]|\\\\.)*",?', ''),
    ',}$', '}')
WHERE kind IN ('account', 'token') AND match(state, '"(?:name|email|contract_id|visual_number)"')
SETTINGS mutations_sync = 2;

ALTER TABLE {{database}}.charging_events_rows {{on_cluster}}
UPDATE payload = replaceRegexpAll(
    payload, '("customer":{"accountId":"(?:[^"\\\\]|\\\\.)*","name":)"(?:[^"\\\\]|\\\\.)*"', '\\1null')
WHERE topic = 'charging' AND type = 'charging.receipt'
SETTINGS mutations_sync = 2;

CREATE OR REPLACE VIEW {{database}}.accounts {{on_cluster}} AS
SELECT
    entity_id AS account_id,
    JSONExtractString(state, 'role') AS role,
    JSONExtractBool(state, 'disabled')::Bool AS disabled,
    parseDateTime64BestEffortOrNull(JSONExtractString(state, 'erased'), 3, 'UTC') AS erased_at,
    version, created_at, updated_at, actor, state
FROM {{database}}.cms_entities
WHERE kind = 'account';

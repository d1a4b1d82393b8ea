-- Which generation of the derived tables was made active when, by whom and why; the newest first.
SELECT
    generation,
    (generation = (SELECT generation FROM active_generation))::Bool AS active,
    code_version, activated_at, actor, reason
FROM generations
ORDER BY activated_at DESC, generation DESC
LIMIT {limit:UInt32}

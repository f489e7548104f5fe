-- needs: nodes, facts
-- The graph's nodes with how many facts each is the subject and the object of, and how many nodes it is joined to.
WITH ends AS (
    SELECT subject AS id, object AS other, 1 AS stated, 0 AS named FROM facts
    UNION ALL
    SELECT object, subject, 0, 1 FROM facts
)
SELECT
    nodes.id,
    nodes.kind,
    nodes.name,
    nodes.description,
    coalesce(sum(stated), 0)::BIGINT AS facts_as_subject,
    coalesce(sum(named), 0)::BIGINT AS facts_as_object,
    count(DISTINCT other) AS neighbours
FROM nodes
LEFT JOIN ends ON ends.id = nodes.id
GROUP BY nodes.id, nodes.kind, nodes.name, nodes.description
ORDER BY neighbours DESC, nodes.id

-- needs: facts
-- For each property: how many materials hold it and how many projects require it.
SELECT
    object AS property,
    count(*) FILTER (WHERE relation = 'has_property') AS materials,
    count(*) FILTER (WHERE relation = 'requires_property') AS projects
FROM facts
WHERE object_kind = 'property'
GROUP BY object
ORDER BY projects DESC, property

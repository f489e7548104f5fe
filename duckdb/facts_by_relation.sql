-- needs: facts
-- Triples of each relation between kinds.
SELECT subject_kind, relation, object_kind, count(*) AS facts
FROM facts
GROUP BY ALL
ORDER BY facts DESC

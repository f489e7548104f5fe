-- needs: queries, qrels
-- How well each query is judged.
SELECT queries.split, queries.id, queries.query, count(*) AS judged, max(qrels.grade) AS best
FROM queries
JOIN qrels ON qrels.query_id = queries.id
GROUP BY ALL
ORDER BY queries.split, queries.id

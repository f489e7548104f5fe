-- needs: facts
-- The graph's edges, each once, with who states it and where.
SELECT
    subject,
    relation,
    object,
    arg_min(source, (file, line)) AS source,
    arg_min(file, (file, line)) AS file,
    arg_min(line, (file, line)) AS line
FROM facts
GROUP BY subject, relation, object
ORDER BY subject, relation, object

-- needs: preferences
-- Pairs by topic and by what is wrong with the rejected answer.
SELECT topic, fault, split, count(*) AS pairs
FROM preferences
GROUP BY ALL
ORDER BY topic, fault, split

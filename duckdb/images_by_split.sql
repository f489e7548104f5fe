-- needs: images
-- How many pictures each source and label gives to each split.
SELECT source, coalesce(item, material, family, bin) AS label, split, count(*) AS pictures
FROM images
GROUP BY ALL
ORDER BY ALL

-- needs: facts, projects
-- What each item can become, the material that does most for it, and the share of required properties it holds.
WITH pairs AS (
    SELECT subject AS item, object AS project, source, file, line FROM facts WHERE relation = 'can_become'
),
required AS (
    SELECT subject AS project, count(*) AS properties FROM facts WHERE relation = 'requires_property' GROUP BY subject
),
held AS (
    SELECT pairs.item, pairs.project, made_of.object AS material, count(has.object) AS covered
    FROM pairs
    JOIN facts AS made_of ON made_of.subject = pairs.item AND made_of.relation = 'made_of'
    JOIN facts AS needs ON needs.subject = pairs.project AND needs.relation = 'requires_property'
    LEFT JOIN facts AS has
        ON has.subject = made_of.object AND has.relation = 'has_property' AND has.object = needs.object
    GROUP BY pairs.item, pairs.project, made_of.object
),
best AS (
    SELECT item, project, arg_max(material, (covered, material)) AS material, max(covered) AS covered
    FROM held
    GROUP BY item, project
)
SELECT
    pairs.item,
    projects.title,
    projects.difficulty,
    projects.minutes,
    projects.tools,
    best.material,
    coalesce(best.covered, 0) AS covered,
    coalesce(required.properties, 0) AS required,
    best.covered / nullif(required.properties, 0) AS coverage,
    pairs.source,
    pairs.file,
    pairs.line
FROM pairs
JOIN projects ON 'project:' || projects.id = pairs.project
LEFT JOIN required ON required.project = pairs.project
LEFT JOIN best ON best.item = pairs.item AND best.project = pairs.project
ORDER BY pairs.item, projects.title

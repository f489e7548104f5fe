-- needs: documents, chunks
-- Documents, chunks and words of each topic.
SELECT
    documents.topic,
    count(DISTINCT documents.id) AS documents,
    count(chunks.id) AS chunks,
    sum(len(string_split(chunks.text, ' '))) AS words
FROM documents
LEFT JOIN chunks ON chunks.document_id = documents.id
GROUP BY ALL
ORDER BY documents DESC

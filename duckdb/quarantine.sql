-- needs: documents_quarantine, facts_quarantine, instructions_quarantine, judgements_quarantine, images_quarantine, preferences_quarantine
-- Every row that was set aside, with the reason.
SELECT * FROM documents_quarantine
UNION ALL BY NAME SELECT * FROM facts_quarantine
UNION ALL BY NAME SELECT * FROM instructions_quarantine
UNION ALL BY NAME SELECT * FROM judgements_quarantine
UNION ALL BY NAME SELECT * FROM images_quarantine
UNION ALL BY NAME SELECT * FROM preferences_quarantine

WITH made AS (FROM placed WHERE is_made AND reason IS NULL), equal_rows AS (
    SELECT origin, event_id FROM made GROUP BY ALL HAVING count(*) > 1
)
SELECT place, event_id || '-' || occurrence AS event_id FROM (
    SELECT place, event_id,
        row_number() OVER (PARTITION BY origin, event_id ORDER BY position, place) AS occurrence
    FROM made SEMI JOIN equal_rows USING (origin, event_id))
WHERE occurrence > 1 ORDER BY place

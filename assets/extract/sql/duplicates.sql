WITH events AS (FROM placed WHERE reason IS NULL AND NOT ${is_no_change}), twice AS (
    SELECT local_day, event_id FROM events GROUP BY local_day, event_id HAVING count(*) > 1
)
SELECT place, ${duplicate} AS verdict FROM (
    SELECT place, row_number() OVER (PARTITION BY local_day, event_id ORDER BY ${place_in_input}) AS rank
    FROM events SEMI JOIN twice USING (local_day, event_id))
WHERE rank > 1

WITH events AS (FROM placed WHERE reason IS NULL AND NOT ${is_no_change}), twice AS (
    SELECT local_day, event_id FROM events GROUP BY local_day, event_id HAVING count(*) > 1
)
SELECT place, ${duplicate} AS verdict FROM (
    SELECT place, bool_or(previous_stated) OVER (
            PARTITION BY local_day, event_id ORDER BY ${place_in_input}, place
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS is_taken,
        row_number() OVER (PARTITION BY local_day, event_id, ${copied} ORDER BY ${place_in_input}, place) AS copy
    FROM events SEMI JOIN twice USING (local_day, event_id))
WHERE is_taken OR copy > 1

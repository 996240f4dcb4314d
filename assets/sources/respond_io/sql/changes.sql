CREATE TEMP TABLE changes AS
SELECT event_id, received_at, kind, contact_id, body, opened_at,
    coalesce(conversation_id,
        contact_id || strftime(opened_at AT TIME ZONE 'UTC', '@%Y-%m-%dT%H:%M:%SZ')) AS conversation_id,
    CASE WHEN opened_at IS NOT NULL AND row_number() OVER newest_first = 1
          AND last_assigned_at <= received_at + INTERVAL 1 MINUTE
          AND last_assigned_at
              > coalesce(lead(received_at) OVER newest_first, opened_at - INTERVAL 1 MINUTE)
        THEN last_assigned_at END AS told_at
FROM (SELECT told.* FROM told WHERE kind IN ('${assigned}', '${snapshot}'))
ASOF LEFT JOIN (SELECT contact_id AS of_contact, * EXCLUDE contact_id FROM conversations) AS conversations
    ON contact_id = of_contact AND received_at >= opened_at
WINDOW newest_first AS (PARTITION BY contact_id, opened_at ORDER BY received_at DESC, event_id DESC)

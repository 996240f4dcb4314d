CREATE TEMP TABLE conversations AS
WITH stated AS (
    SELECT contact_id, kind, field(body, '$.conversation.id') AS conversation_id, received_at,
        date_trunc('second', instant(coalesce(
            body->>'$.conversation.openedTime',
            body->>'$.conversation.conversationOpenedAt'))) AS opened_at,
        instant(body->>'$.conversation.lastAssignmentTime') AS last_assigned_at
    FROM told WHERE starts_with(kind, 'conversation.')
), untimed AS (  -- an opening whose time is told later, by its closing, is that one
    SELECT contact_id, conversation_id, received_at AS opened_at FROM stated AS opening
    WHERE kind = 'conversation.opened' AND opened_at IS NULL AND NOT EXISTS (
        FROM stated WHERE stated.contact_id = opening.contact_id
        AND stated.opened_at BETWEEN opening.received_at - INTERVAL 10 MINUTE AND opening.received_at)
)
SELECT contact_id, opened_at, max(conversation_id) AS conversation_id,
    max(last_assigned_at) AS last_assigned_at
FROM (SELECT contact_id, opened_at, conversation_id, last_assigned_at FROM stated
      UNION ALL SELECT contact_id, opened_at, conversation_id, NULL FROM untimed)
WHERE contact_id IS NOT NULL AND opened_at IS NOT NULL
GROUP BY contact_id, opened_at

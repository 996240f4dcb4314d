WITH last_stated AS (
    SELECT t.conversation_id, max(t.created_at) FILTER (kind = 'assignee') AS stated_at,
        last(assignee_name ORDER BY t.created_at, t.id) FILTER (kind = 'assignee') AS stated_name,
        last(assignee_id ORDER BY t.created_at, t.id) FILTER (kind = 'assignee') AS stated_id,
        last(fault IS NOT NULL OR coalesce(t.created_at < users.created_at, false)
            ORDER BY t.created_at, t.id) FILTER (kind = 'assignee') AS is_undecided,
        last(kind ORDER BY t.created_at, t.id) = 'team' AS ends_with_team
    FROM trails AS t JOIN changes USING (content) LEFT JOIN users ON users.id::TEXT = assignee_id
    GROUP BY t.conversation_id
)
SELECT display_id::TEXT AS conversation_id, contact_id::TEXT AS contact_id, contact_name,
    coalesce(stated_at, created_at)::TIMESTAMPTZ AS occurred_at, assignee_id::TEXT AS assignee_id,
    NULL::TEXT AS assignee_name, NULL::BIGINT AS row_number,
    json_object('conversation', display_id, 'assignee', assignee_id,
        'assignee_by_messages', stated_name)::TEXT AS raw,
    CASE WHEN stated_at IS NULL AND NOT coalesce(ends_with_team, false)
         THEN 'was assigned automatically; no message tells when'
         WHEN ends_with_team THEN 'its assignee changed with its team; no message tells when'
         WHEN assignee_id IS NULL THEN 'has no assignee now, as if one was deleted; no message tells when'
         WHEN stated_name IS NOT NULL
         THEN 'its assignee changed, or had the name in the last message then; no message tells which'
         ELSE 'its assignee changed; no message tells when' END AS fault
FROM conversations LEFT JOIN last_stated ON conversation_id = conversations.id
WHERE NOT coalesce(is_undecided, false) AND coalesce(stated_at, created_at) >= $start
    AND stated_id IS DISTINCT FROM assignee_id::TEXT
    AND (assignee_id IS NOT NULL OR stated_name IS NOT NULL)
ORDER BY display_id

SELECT *, CASE WHEN fault IS NOT NULL THEN content END AS raw FROM (
    SELECT m.id::TEXT AS event_id, m.created_at::TIMESTAMPTZ AS occurred_at,
        display_id::TEXT AS conversation_id, contact_id::TEXT AS contact_id, contact_name,
        assignee_id, assignee_name, source, assigned_by_name, m.id::BIGINT AS row_number,
        CASE WHEN m.created_at >= coalesce(actor.created_at, m.created_at) THEN assigned_by_id END
            AS assigned_by_id,
        coalesce(fault, CASE WHEN m.created_at < assignee.created_at
            THEN 'names a user who was created later: somebody else had that name then' END) AS fault,
        content
    FROM messages m JOIN changes USING (content)
    LEFT JOIN users AS assignee ON assignee.id::TEXT = assignee_id
    LEFT JOIN users AS actor ON actor.id::TEXT = assigned_by_id
    WHERE kind = 'assignee')
ORDER BY row_number

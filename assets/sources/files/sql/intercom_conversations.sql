SELECT part->>'$.id' AS event_id, part->>'$.created_at' AS occurred_at,
    coalesce(part->>'$.conversation_id', line->>'$.id') AS conversation_id,
    line->>'$.contacts.contacts[0].id' AS contact_id, false AS previous_stated,
    NULL AS previous_assignee_id, NULL AS previous_assignee_name,
    CASE WHEN is_nobody THEN NULL
        WHEN assignee_type = 'team' THEN 'team-' || field(part, '$.assigned_to.id')
        ELSE coalesce(field(part, '$.assigned_to.id'), field(part, '$.assigned_to')) END AS assignee_id,
    CASE WHEN NOT is_nobody THEN field(part, '$.assigned_to.name') END AS assignee_name,
    CASE WHEN NOT is_nobody THEN assignee_type END AS assignee_kind,
    CASE field(part, '$.author.type') WHEN 'admin' THEN 'user' WHEN 'user' THEN 'contact'
        ELSE field(part, '$.author.type') END AS source,
    CASE WHEN source = 'user' THEN part->>'$.author.id' END AS assigned_by_id,
    CASE WHEN source = 'user' THEN part->>'$.author.name' END AS assigned_by_name,
    CASE WHEN NOT is_nobody AND assignee_id IS NULL THEN 'its assignee is not understood' END AS fault,
    position * 10_000 + place AS position, part::VARCHAR AS read
FROM (SELECT *, field(part, '$.assigned_to.type') AS assignee_type,
        coalesce(starts_with(assignee_type, 'nobody'), false) AS is_nobody
    FROM (SELECT *, unnest(parts) AS part, generate_subscripts(parts, 1) AS place
        FROM parts_of_objects))
WHERE (part->>'$.assigned_to') IS NOT NULL

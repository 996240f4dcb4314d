SELECT event_id, coalesce(told_at, received_at) AS occurred_at, conversation_id, contact_id,
    person(body->'$.contact') AS contact_name,
    field(assignee, '$.id') AS assignee_id,
    coalesce(person(assignee), field(assignee, '$.email')) AS assignee_name,
    kind_of(assignee) AS assignee_kind,
    field(previous, '$.id') AS previous_assignee_id,
    coalesce(person(previous), field(previous, '$.email')) AS previous_assignee_name,
    coalesce(is_known(previous), false) AS previous_stated,
    coalesce(field(body, '$.source'), field(body, '$.assignedBySource')) AS source,
    field(body, '$.assignedBy.id') AS assigned_by_id, person(body->'$.assignedBy') AS assigned_by_name,
    CASE WHEN told_at IS NOT NULL THEN 'exact' WHEN kind = '${snapshot}' THEN 'bounded' ELSE 'received' END
        AS time_quality,
    CASE WHEN told_at IS NOT NULL THEN 'webhook, time by conversation.closed'
         WHEN kind = '${snapshot}'
         THEN 'contact snapshot, changed after ' || left(body->>'$.not_before', 19) || 'Z'
         ELSE 'webhook' END AS origin,
    NULL::BIGINT AS row_number, row_number() OVER (ORDER BY received_at, event_id) AS position,
    fault, CASE WHEN fault IS NOT NULL THEN body END AS raw
FROM (SELECT *, CASE WHEN assignee IS NULL THEN 'tells no assignee'
        WHEN NOT is_known(assignee)
        THEN 'its assignee is not understood: ' || left(assignee::VARCHAR, 100)
        WHEN kind = '${snapshot}' THEN field(body, '$.fault') END AS fault
    FROM (SELECT *,
        CASE WHEN json_exists(body, '$.assignee') THEN body->'$.assignee'
             ELSE body->'$.contact.assignee' END AS assignee,
        body->'$.oldAssignee' AS previous
      FROM changes))
ORDER BY occurred_at, event_id

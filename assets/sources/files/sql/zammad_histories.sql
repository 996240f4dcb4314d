SELECT line->>'$.id' AS event_id, line->>'$.created_at' AS occurred_at,
    line->>'$.o_id' AS conversation_id, NULL AS contact_id, true AS previous_stated,
    nullif(line->>'$.id_from', '1') AS previous_assignee_id,
    nullif(nullif(line->>'$.value_from', '-'), '') AS previous_assignee_name,
    nullif(line->>'$.id_to', '1') AS assignee_id,
    nullif(nullif(line->>'$.value_to', '-'), '') AS assignee_name, NULL AS assignee_kind,
    CASE WHEN (line->>'$.sourceable_type') = 'AI::Agent' THEN 'ai_agent'
        WHEN created_by = '1' OR (line->>'$.sourceable_type') IN ('Trigger', 'Job',
            'PostmasterFilter') THEN 'workflow'
        ELSE 'user' END AS source,
    CASE WHEN source = 'user' THEN created_by END AS assigned_by_id,
    NULL AS assigned_by_name, NULL AS fault, position, line::VARCHAR AS read
FROM (SELECT *, coalesce(line->>'$.created_by_id', line->>'$.created_by.id') AS created_by FROM objects)
WHERE named(line, 'attribute') = 'owner' AND coalesce(named(line, 'object'), 'Ticket') = 'Ticket'

SELECT coalesce(change->>'$.id', (line->>'$.id') || '-' || place) AS event_id,
    coalesce(line->>'$.created_at', line->>'$.timestamp') AS occurred_at,
    line->>'$.ticket_id' AS conversation_id, NULL AS contact_id,
    true AS previous_stated, field(change, '$.previous_value') AS previous_assignee_id,
    NULL AS previous_assignee_name,
    if(is_field, field(change, '$.value'), field(change, '$.assignee_id')) AS assignee_id,
    NULL AS assignee_name, NULL AS assignee_kind,
    CASE WHEN channel IN ('rule', '8') THEN 'workflow'
        WHEN channel IN ('api', '5', 'web service') THEN 'developer_api'
        WHEN channel IN ('web', '0', 'mobile', '56', 'web form') AND author_id <> '-1' THEN 'user'
        ELSE channel END AS source,
    CASE WHEN source = 'user' THEN author_id END AS assigned_by_id, NULL AS assigned_by_name,
    CASE WHEN NOT coalesce(is_value(change, if(is_field, '$.value', '$.assignee_id')), true)
        OR NOT coalesce(is_value(change, '$.previous_value'), true)
        THEN 'its assignee is not understood' END AS fault,
    position * 10_000 + place AS position, change::VARCHAR AS read
FROM (
    SELECT *, (change->>'$.field_name') = 'assignee_id' AS is_field,
        coalesce(line->>'$.author_id', line->>'$.updater_id') AS author_id,
        lower(coalesce(change->>'$.via.channel', field(change, '$.via'),
            line->>'$.via.channel', field(line, '$.via'))) AS channel
    FROM (SELECT *, unnest(changes) AS change, generate_subscripts(changes, 1) AS place
        FROM (SELECT *, coalesce(json_extract(line, '$.events[*]'), []) || coalesce(
            json_extract(line, '$.child_events[*]'), []) AS changes FROM objects)))
WHERE is_field OR (is_field IS NULL AND json_exists(change, '$.assignee_id'))

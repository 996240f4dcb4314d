SELECT CASE WHEN updated_at IS NULL THEN event_id  -- one change may be delivered more than once
        ELSE 'change-' || md5(concat_ws(' ', body->>'$.id', body->>'$.updated_at',
            body->>'$.changed_attributes')) END AS event_id,
    coalesce(updated_at, received_at) AS occurred_at,
    field(body, '$.id') AS conversation_id, field(body, '$.meta.sender.id') AS contact_id,
    field(body, '$.meta.sender.name') AS contact_name,
    field(change, '$.previous_value') AS previous_assignee_id,
    field(change, '$.current_value') AS assignee_id,
    CASE WHEN body->>'$.meta.assignee.id' = change->>'$.current_value'
         THEN coalesce(field(body, '$.meta.assignee.available_name'), field(body, '$.meta.assignee.name'))
         END AS assignee_name,
    CASE WHEN assignee_name IS NOT NULL
         THEN coalesce(field(body, '$.meta.assignee_type'), field(body, '$.meta.assignee.type')) END
         AS assignee_kind,
    coalesce(is_value(change, '$.previous_value'), false) AS previous_stated,
    CASE WHEN NOT coalesce(is_value(change, '$.current_value'), false)
         THEN 'its assignee is not understood' END AS fault,
    CASE WHEN fault IS NOT NULL THEN body END AS raw,
    if(updated_at IS NULL, 'received', 'exact') AS time_quality,
    NULL::BIGINT AS row_number, row_number() OVER (ORDER BY received_at, event_id) AS position
FROM (
    SELECT event_id, body, make_timestamp(received_at)::TIMESTAMPTZ AS received_at,
        make_timestamp(try_cast(CASE WHEN try_cast(body->>'$.updated_at' AS DOUBLE) BETWEEN 0 AND 4e9
            THEN try_cast(body->>'$.updated_at' AS DECIMAL(38, 6)) * 1000000 END AS BIGINT))::TIMESTAMPTZ
            AS updated_at,
        json_extract(body, '$.changed_attributes[*].assignee_id')[1] AS change
    FROM received WHERE kind = 'conversation_updated')
WHERE change IS NOT NULL
ORDER BY occurred_at, event_id

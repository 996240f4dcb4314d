SELECT list_min(list_transform(parts, lambda part: part->>'$.created_at')) AS occurred_at,
    line->>'$.id' AS conversation_id, NULL AS assignee_name, row_number,
    'has ' || len(parts) || ' of its ' || (line->>'$.conversation_parts.total_count') ||
        ' parts: assignments in the others are not known' AS fault,
    json_object('conversation', line->>'$.id')::VARCHAR AS raw
FROM parts_of_objects
WHERE try_cast(line->>'$.conversation_parts.total_count' AS BIGINT) > len(parts) ORDER BY row_number

SELECT NULL AS occurred_at, NULL AS conversation_id, NULL AS assignee_name, row_number,
    CASE WHEN is_object THEN '${complaint}' ELSE 'is no JSON object' END AS fault, left(raw, 1_048_576) AS raw
FROM items WHERE NOT is_object OR NOT coalesce(${is_of_layout}, false) ORDER BY position

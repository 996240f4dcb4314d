SELECT * EXCLUDE (read) REPLACE (
    coalesce(previous_assignee_name, (SELECT max(name) FROM people WHERE id = previous_assignee_id))
        AS previous_assignee_name,
    coalesce(assignee_name, (SELECT max(name) FROM people WHERE id = assignee_id)) AS assignee_name,
    coalesce(assigned_by_name, (SELECT max(name) FROM people WHERE id = assigned_by_id))
        AS assigned_by_name, position::BIGINT AS position), NULL::BIGINT AS row_number,
    CASE WHEN fault IS NOT NULL THEN left(read, 1_048_576) END AS raw
FROM (${query})

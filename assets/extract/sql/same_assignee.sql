(
    previous_assignee_id = assignee_id
    OR (previous_assignee_id IS NULL OR assignee_id IS NULL) AND previous_assignee_name = assignee_name
    OR coalesce(previous_assignee_id, previous_assignee_name, assignee_id, assignee_name) IS NULL)

SELECT c.id, c.display_id, c.created_at, c.contact_id, c.assignee_id, k.name AS contact_name
FROM (${asked}) asked JOIN conversations c ON c.id = asked.id
LEFT JOIN contacts k ON k.id = c.contact_id

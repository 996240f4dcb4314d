SELECT m.id, m.created_at, m.content, c.display_id, c.contact_id, k.name AS contact_name
FROM messages m LEFT JOIN conversations c ON c.id = m.conversation_id
LEFT JOIN contacts k ON k.id = c.contact_id
WHERE m.account_id = :account AND m.message_type = :activity
    AND m.created_at >= CAST(:start AS timestamp) AND m.created_at < CAST(:end AS timestamp)

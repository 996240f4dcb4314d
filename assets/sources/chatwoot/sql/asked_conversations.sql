SELECT m.conversation_id AS id FROM messages m
WHERE m.account_id = :account AND m.message_type = :activity
    AND m.created_at >= CAST(:start AS timestamp) AND m.created_at < CAST(:end AS timestamp)
UNION SELECT c.id FROM conversations c WHERE c.account_id = :account
    AND c.created_at >= CAST(:start AS timestamp) AND c.created_at < CAST(:end AS timestamp)

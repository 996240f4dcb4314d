SELECT m.id, m.created_at, m.content, m.conversation_id
FROM (${asked}) asked JOIN messages m ON m.conversation_id = asked.id
WHERE m.account_id = :account AND m.message_type = :activity

SELECT u.id, u.name, u.display_name, ${created_at} AS created_at FROM users u
JOIN account_users a ON a.user_id = u.id WHERE a.account_id = :account

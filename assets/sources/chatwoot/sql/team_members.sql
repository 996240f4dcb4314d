SELECT t.name AS team, m.user_id FROM team_members m
JOIN teams t ON t.id = m.team_id WHERE t.account_id = :account ORDER BY t.id, m.user_id

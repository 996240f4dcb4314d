SELECT name FROM teams WHERE account_id = :account

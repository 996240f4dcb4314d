SELECT 1 AS may FROM information_schema.columns
WHERE table_schema = ANY(current_schemas(false))
    AND table_name = 'users' AND column_name = 'created_at'

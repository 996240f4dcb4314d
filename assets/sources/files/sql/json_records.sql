CREATE OR REPLACE TEMP MACRO unwrapped(line) AS CASE  -- what Singer's and Airbyte's records hold
    WHEN line->>'$.type' = 'RECORD' AND json_type(line, '$.record.data') = 'OBJECT'
        THEN line->'$.record.data'
    WHEN line->>'$.type' = 'RECORD' AND json_type(line, '$.record') = 'OBJECT' THEN line->'$.record'
    WHEN json_type(line, '$._airbyte_data') = 'OBJECT' THEN line->'$._airbyte_data'
    WHEN json_type(line, '$._airbyte_data') = 'VARCHAR' AND json_valid(line->>'$._airbyte_data')
        THEN (line->>'$._airbyte_data')::JSON
    WHEN json_exists(line, '$.stream') AND json_type(line, '$.data') = 'OBJECT' THEN line->'$.data'
    WHEN json_exists(line, '$.stream') AND json_type(line, '$.record') = 'OBJECT' THEN line->'$.record'
    ELSE line END;
CREATE OR REPLACE TEMP MACRO is_message(line) AS CASE  -- theirs, but no record
    WHEN line->>'$.type' IN ('SCHEMA', 'STATE', 'ACTIVATE_VERSION', 'BATCH', 'LOG', 'TRACE', 'CATALOG', 'SPEC',
        'CONNECTION_STATUS', 'CONTROL')
    THEN json_exists(line, '$.stream') OR json_exists(line, '$.value')
        OR json_exists(line, '$.' || lower(line->>'$.type'))  -- of these only: others may be no path
        OR json_exists(line, '$.connectionStatus')
    ELSE false END

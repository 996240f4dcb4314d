CREATE OR REPLACE TEMP MACRO named(line, key) AS coalesce(  -- a name, or an object with one
    line->>('$.' || key || '.name'), line->>('$.history_' || key || '.name'),
    field(line, '$.' || key), field(line, '$.history_' || key))

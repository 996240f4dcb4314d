CREATE TEMP MACRO is_nobody(who) AS json_type(who) = 'NULL' OR (json_type(who) = 'OBJECT'
    AND len(list_filter(json_extract(who, '$.*'),
        lambda value: json_type(value) <> 'NULL' AND value::VARCHAR NOT IN ('""', '{}'))) = 0)

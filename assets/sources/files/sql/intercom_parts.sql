CREATE OR REPLACE TEMP VIEW parts_of_objects AS
SELECT *, CASE WHEN json_exists(line, '$.part_type') THEN [line::JSON]
    WHEN json_type(line, '$.conversation_parts') = 'ARRAY'
    THEN json_extract(line, '$.conversation_parts[*]')
    ELSE json_extract(line, '$.conversation_parts.conversation_parts[*]') END AS parts FROM objects

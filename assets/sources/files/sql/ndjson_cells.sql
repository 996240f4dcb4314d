WITH checked AS (
    SELECT *, ${fault} AS old_fault, ${raw} AS old_raw,
           unwrapped(if(json_valid(line) AND json_type(line) = 'OBJECT', line, NULL)::JSON) AS object
    FROM lines WHERE NOT is_message(if(json_valid(line), line, NULL)::JSON)
), parsed AS (
    SELECT *, json_extract_string(object, $paths) AS found, json_type(object, $paths) AS kinds
    FROM checked
)
SELECT ${cells}, coalesce(${stated}, false) AS previous_stated, row_number,
       CASE WHEN old_fault IS NOT NULL THEN old_fault
            WHEN object IS NULL THEN 'is no JSON object'
            WHEN NOT coalesce(${assigned}, false) THEN 'has no assignee; map its key in `columns`'
            WHEN ${nested} THEN 'has an object or a list where text is due; write it flat'
       END AS fault,
       coalesce(old_raw, if(fault IS NOT NULL, line, NULL)) AS raw
FROM parsed ORDER BY row_number

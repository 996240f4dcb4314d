CREATE OR REPLACE TEMP TABLE unwrapped_lines AS
SELECT row_number, line AS raw, object IS NOT NULL AS is_object, unwrapped(object) AS line FROM (
    SELECT row_number, line,
        CASE WHEN json_valid(line) AND json_type(line) = 'OBJECT' THEN line END::JSON AS object
    FROM lines)
WHERE NOT is_message(object);
CREATE OR REPLACE TEMP TABLE items AS  -- a line may be a page of an API
SELECT row_number, coalesce(line::VARCHAR, raw) AS raw, line, row_number * 10_000 + place AS position,
    coalesce(json_type(line) = 'OBJECT', false) AS is_object
FROM (SELECT row_number, raw, unnest(lines) AS line, generate_subscripts(lines, 1) AS place
    FROM (SELECT *, coalesce(${lists}, [line]) AS lines FROM unwrapped_lines));
CREATE OR REPLACE TEMP VIEW people AS
FROM listed_people
UNION ALL SELECT each->>'$.id' AS id, coalesce(each->>'$.name', nullif(trim(concat_ws(' ',
    each->>'$.firstname', each->>'$.lastname')), '')) AS name
FROM (SELECT unnest(coalesce(json_extract(line, '$.users[*]'), []) || coalesce(
    json_extract(line, '$.assets.User.*'), [])) AS each FROM unwrapped_lines);
CREATE OR REPLACE TEMP VIEW objects AS
SELECT row_number, position, line FROM items WHERE is_object AND (${is_of_layout})

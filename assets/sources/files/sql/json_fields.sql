CREATE OR REPLACE TEMP MACRO field(json, path) AS CASE
    WHEN json_type(json, path) IN ('VARCHAR', 'BIGINT', 'UBIGINT', 'DOUBLE')
    THEN nullif(trim(json_extract_string(json, path)), '') END;
CREATE OR REPLACE TEMP MACRO is_value(json, path) AS
    json_type(json, path) IN ('NULL', 'VARCHAR', 'BIGINT', 'UBIGINT', 'DOUBLE')

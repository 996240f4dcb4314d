CREATE TEMP MACRO any_instant(value) AS CASE
    WHEN regexp_full_match(value, '\d{9,17}(\.\d+)?')
        THEN make_timestamp((CAST(value AS DECIMAL(38, 6)) * CASE
            WHEN strpos(value || '.', '.') > 15 THEN 1
            WHEN strpos(value || '.', '.') > 12 THEN 1000
            ELSE 1000000 END)::BIGINT)::TIMESTAMPTZ
    WHEN regexp_matches(value, '(Z|${offset})$') THEN try_cast(value AS TIMESTAMPTZ) END;
CREATE TEMP MACRO instant(value) AS CASE  -- any other is read as missing
    WHEN any_instant(value) >= TIMESTAMPTZ '${first}' AND any_instant(value) < TIMESTAMPTZ '${last}'
    THEN any_instant(value) END

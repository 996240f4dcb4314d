CASE
    WHEN regexp_matches(occurred_at, '${zoned}', 'i') THEN ${cast_zoned}
    WHEN regexp_matches(occurred_at, '${compact_zoned}', 'i') THEN ${cast_compact}
    WHEN regexp_matches(occurred_at, '${digits_only}') THEN NULL
    WHEN regexp_matches(occurred_at, '${epoch}')
        THEN make_timestamp((try_cast(occurred_at AS DECIMAL(38, 6)) * CASE
            WHEN strpos(occurred_at || '.', '.') > 18 THEN 0.001
            WHEN strpos(occurred_at || '.', '.') > 15 THEN 1
            WHEN strpos(occurred_at || '.', '.') > 12 THEN 1000
            ELSE 1000000 END)::BIGINT)::TIMESTAMPTZ
    END

CASE
    WHEN regexp_matches(occurred_at, '${wall}') THEN try_cast(replace(occurred_at, ',', '.') AS TIMESTAMP)
    WHEN regexp_matches(occurred_at, '${compact_wall}') THEN try_cast(${spaced} AS TIMESTAMP) END

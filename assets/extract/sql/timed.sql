CREATE OR REPLACE TEMP TABLE timed AS
SELECT *, CASE WHEN any_instant >= TIMESTAMPTZ '${first}'
    AND any_instant < TIMESTAMPTZ '${last}' THEN any_instant END AS instant
FROM (SELECT *, ${skipped} AS is_skipped, ${twice} AS is_ambiguous,
        coalesce(zoned, CASE WHEN NOT ${skipped} THEN ${naive} END) AS any_instant
    FROM (SELECT *, ${instant_columns} FROM batch)
    ${offsets})

SELECT ${names}, instant AS occurred_at, lacks_zone,
    CASE WHEN NOT lacks_zone THEN ${stands_at} END AS stands_at, reason,
    CASE WHEN reason IS NOT NULL THEN coalesce(raw, ${raw}) END AS raw
FROM (SELECT *, ${reason} AS reason, ${lacks_zone} AS lacks_zone FROM timed)
ORDER BY row_number

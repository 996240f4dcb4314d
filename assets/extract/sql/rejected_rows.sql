SELECT local_day, origin, coalesce(row_number, -row_number() OVER (
    PARTITION BY local_day, origin, row_number ORDER BY reason, raw)) AS row_number, reason,
    NULL AS problem, raw
FROM placed WHERE reason IS NOT NULL
UNION ALL SELECT local_day, origin, 0, reason, problem, NULL FROM days, problems
ORDER BY local_day, origin, row_number, reason, raw

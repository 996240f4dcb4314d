SELECT place, CASE WHEN reason IS NOT NULL THEN ${rejected} ELSE ${no_change} END AS verdict
FROM placed WHERE reason IS NOT NULL OR ${is_no_change}

SELECT coalesce(zoned, make_timestamp(epoch_us(wall) - behind)::TIMESTAMPTZ) AS instant
FROM (SELECT *, ${instant_columns} FROM cells)
ASOF LEFT JOIN offsets ON wall >= wall_from ORDER BY place

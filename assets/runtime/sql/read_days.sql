SELECT ${columns}
FROM read_parquet(${files}, hive_partitioning = true, hive_types = {'local_day': DATE})

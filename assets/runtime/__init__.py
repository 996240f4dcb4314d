"""Infrastructure shared by all stages: atomic files, file locks, prefetching, migrations, DuckDB."""

"""What every stage stands on and no stage owns: atomic files, file locks, prefetching, migrations."""

"""What depends on Dagster's internals or on an engine: storages, launchers, workers, instance files."""

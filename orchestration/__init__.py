"""When the flow runs and with what: Dagster and the command line. Nothing imports this package."""

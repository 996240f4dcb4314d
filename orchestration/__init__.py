"""Dagster definitions, automation, deployment and the command line. `assets` never imports this package."""

"""Deployment of Dagster: storages, launchers, workers, instance files and the webhook server."""

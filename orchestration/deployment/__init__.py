"""Deployment of Dagster: storages, launchers, workers, instance files, and the web and webhook servers."""

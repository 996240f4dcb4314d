"""Dagster stores the materializations of a range of partitions only when its step ends.

A step that stores each as soon as it exists, by `context.log_event`, ends with a result that has this
metadata: Dagster then adds no events of its own, which would repeat them. For Dagster 1.13; see
docs/decisions/2026-11-28-report-dates-as-they-are-made.md.
"""

NO_MORE_EVENTS = {"__source_asset_observation__": True}

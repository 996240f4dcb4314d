"""The aggregates stage: the report-ready log, and counts per day and source."""

"""Automation: schedules, sensors, and the runs they request."""

"""The project's code location in a hurry: its sensors look every five seconds, and what failed is tried soon again.

Two reports are enough for a drive.
"""

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import dagster as dg

from assets.periods import Preset

_sensor = dg.sensor


def _hurried(**options: Any) -> Any:
    return _sensor(**options | {"minimum_interval_seconds": 5})


patch("dagster.sensor", _hurried).start()
patch("orchestration.automation.planner._FIRST_PAUSE", timedelta(0)).start()
patch("orchestration.automation.delivery_sensor._PAUSE", timedelta(seconds=5)).start()
patch("assets.warehouse.resource._SERVER_PAUSE_SECONDS", 1).start()
patch("assets.errors.TransientError.retry_seconds", 1).start()
patch("assets.config.workspace.PRESETS", (Preset.YESTERDAY, Preset.LAST_7_DAYS)).start()

from orchestration.definitions import defs  # noqa: E402, F401 - after what it builds with

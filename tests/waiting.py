"""Wait for a condition with a deadline."""

import time
from collections.abc import Callable
from typing import Any

import pytest

_LONGEST_PAUSE = 0.5  # seconds


def until(is_so: Callable[[], Any], what: str, seconds: int = 400) -> Any:
    """Wait until *is_so* answers; the deadline ends a test that hangs, and is far off on a slow machine."""
    end, pause = time.monotonic() + seconds, 0.01
    while time.monotonic() < end:
        if found := is_so():
            return found
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
    pytest.fail(f"waited {seconds} s: {what}")

"""The type of a clock: what needs the time is given one; only `orchestration` reads the real one."""

from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], datetime]
"""Return the present instant, in UTC."""

"""The explorer's data: every log row with which its page counts any period of its days.

Besides the explorer's own days these are the days with which one of its periods is compared, and before them
the last row of each subject: who held it when they began. `explorer.py` reads them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from assets.report.encoded_log import Codes, EncodedLog, Flags
from assets.report.model import Reason


@dataclass(frozen=True, slots=True)
class CarriedDay:
    """A day of the explorer's data: whether it is loaded, and the outcome of its rows by name."""

    day: date
    is_loaded: bool
    quality: dict[str, int]


@dataclass(frozen=True, slots=True)
class Problem:
    """An input that could not be read or gave nothing on some days."""

    code: str
    reason: str
    origin: str
    days: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class ExplorerData:
    """The rows of the explorer: the first *opening_count* are the last ones of each subject before *days*.

    *subject* has a code per row for its contact or conversation, *is_stated* tells whether its source states
    the previous assignee; *working* are the spans of working time, in seconds since 1970. Openings need every
    day since *first_day*; *lacking* are those that are missing before *days*. *stalls* has the reason of each
    last day at whose end the source is silent.
    """

    log: EncodedLog
    subject: Codes
    is_stated: Flags
    working: tuple[tuple[float, float], ...] | None
    opening_count: int
    days: tuple[CarriedDay, ...]
    first_day: date
    first_loaded: date | None
    lacking: tuple[date, ...]
    stalls: Mapping[date, Reason]
    max_rejected_pct: float
    problems: tuple[Problem, ...]

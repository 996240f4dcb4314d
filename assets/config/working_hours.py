"""Working hours: the spans of the week in which a team works. No zone, no holidays, no I/O.

Working time between two instants is computed in `report/working_time.py`.
"""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from itertools import pairwise
from typing import Annotated, NamedTuple, Self

from pydantic import AfterValidator, ConfigDict, RootModel, model_validator

from assets.config.base import quote
from assets.periods import Weekday

_WEEK = tuple(Weekday)
_DAY_MINUTES = 24 * 60
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)", re.ASCII)


class WorkingSpan(NamedTuple):
    """A span of local time, in minutes after the midnight that begins its weekday.

    The end of a span past midnight is above 24 hours.
    """

    weekday: Weekday
    begin: int
    end: int

    def __str__(self) -> str:
        shown_end = self.end - (self.end > _DAY_MINUTES) * _DAY_MINUTES
        begin, end = (f"{minutes // 60:02}:{minutes % 60:02}" for minutes in (self.begin, shown_end))
        return f"{self.weekday} {begin}-{end}"


def _weekdays_of(key: str) -> tuple[Weekday, ...]:
    """Return the weekdays of `monday` or `monday-friday`. Raises ValueError."""
    names = key.split("-")
    for name in names:
        if name not in _WEEK:
            near = get_close_matches(name, _WEEK, n=1)
            hint = f"did you mean {near[0]}?" if near else "expected a day such as monday, or monday-friday"
            raise ValueError(f"unknown weekday {quote(name)}; {hint}")
    first, last = _WEEK.index(Weekday(names[0])), _WEEK.index(Weekday(names[-1]))
    if len(names) > 2 or (len(names) > 1 and first == last):  # noqa: PLR2004 - a range has two ends
        raise ValueError(f"{quote(key)} must be a weekday, or a range of two such as monday-friday")
    return tuple(_WEEK[(first + count) % len(_WEEK)] for count in range((last - first) % len(_WEEK) + 1))


def _minutes_of(span: str) -> tuple[int, int]:
    """Return begin and end of `09:00-12:30` in minutes. Raises ValueError."""
    match = _SPAN.fullmatch(span)
    if match is None:
        raise ValueError(f'must be two local times such as "09:00-12:30" or "18:00-24:00", got {quote(span)}')
    begin_hour, begin_minute, end_hour, end_minute = (int(part) for part in match.groups(default="0"))
    begin, end = 60 * begin_hour + begin_minute, 60 * end_hour + end_minute
    if match[3] is not None and begin == end:
        raise ValueError(f'the end of {span!r} must differ from its begin; a whole day is "00:00-24:00"')
    return begin, end if end > begin else end + _DAY_MINUTES


def _check_weekdays(key: str) -> str:
    _weekdays_of(key)
    return key


def _check_span(span: str) -> str:
    _minutes_of(span)
    return span


class WorkingHours(
    RootModel[
        dict[
            Annotated[str, AfterValidator(_check_weekdays)],
            tuple[Annotated[str, AfterValidator(_check_span)], ...],
        ]
    ]
):
    """Spans by weekday, or by range of weekdays; a weekday that is not named has none."""

    model_config = ConfigDict(frozen=True)

    @property
    def spans(self) -> tuple[WorkingSpan, ...]:
        """Return every span of the week, in order; the last one may end on the next Monday."""
        return tuple(sorted(self._spans(), key=lambda span: (span.weekday.number, span.begin)))

    def _spans(self) -> Iterator[WorkingSpan]:
        for key, texts in self.root.items():
            for weekday in _weekdays_of(key):
                for text in texts:
                    yield WorkingSpan(weekday, *_minutes_of(text))

    @model_validator(mode="after")
    def _a_weekday_has_one_key(self) -> Self:
        keys: dict[Weekday, str] = {}
        for key in self.root:
            for weekday in _weekdays_of(key):
                if other := keys.get(weekday):
                    raise ValueError(f"`{other}` and `{key}` both have {weekday}")
                keys[weekday] = key
        return self

    @model_validator(mode="after")
    def _spans_do_not_overlap(self) -> Self:
        spans = self.spans
        if not spans:
            raise ValueError("must have a span on some weekday")
        for span, following in pairwise((*spans, spans[0])):
            days_between = (following.weekday.number - span.weekday.number) % len(_WEEK)
            if following is spans[0]:  # in the next week
                days_between = days_between or len(_WEEK)
            if span.end > following.begin + days_between * _DAY_MINUTES:
                raise ValueError(f"{span} overlaps {following}")
        return self

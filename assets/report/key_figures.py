"""Count the key figures of a log, in total and by day.

docs/reference/definitions.md explains each. The page's script counts the same in
`templates/script/3-figures.js`; add a key figure in both, and its name in `render/labels.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from assets.periods import Period, first_instant
from assets.report.chains import find_returns
from assets.report.encoded_log import Codes, EncodedLog, Flags, Pairs, grouped_rows
from assets.report.model import KeyFigure, KeyFigureName
from assets.report.shares import percent_of

_HOUR = timedelta(hours=1)
_OF_CHAINS = {KeyFigureName.REASSIGNMENT_RATE, KeyFigureName.BOUNCE_BACKS}

Value = int | float | None
Series = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """The value of each key figure, its value in each part of the period, and the two counts of the rate."""

    totals: Mapping[KeyFigureName, Value]
    parts: Mapping[KeyFigureName, Series]
    rate_parts: tuple[int, int]


def count_key_figures(log: EncodedLog, part: Codes, part_count: int, return_hours: int) -> Counted:
    """Return the key figures of *log*; *part* is the index of each row's day or hour, in ascending order."""
    whole, (rate_parts,) = _count_parts(log, np.zeros(len(log), np.int64), 1, return_hours)
    parts, _ = _count_parts(log, part, part_count, return_hours)
    return Counted({name: values[0] for name, values in whole.items()}, parts, rate_parts)


def parts_of_period(instants: Codes, period: Period) -> tuple[Codes, int]:
    """Return the day of each instant in *period*, or its hour if that is a single day, and their number."""
    days = period.days
    if len(days) > 1:
        starts = [first_instant(day, period.zone) for day in days]
    else:
        start, end = period.bounds
        starts = [start + hour * _HOUR for hour in range(-(-(end - start) // _HOUR))]
    micros = np.array([round(start.timestamp()) * 1_000_000 for start in starts])
    return np.searchsorted(micros, instants, side="right") - 1, len(starts)


def compare_key_figures(
    current: Counted, previous: Counted | None, *, has_chains: bool
) -> tuple[KeyFigure, ...]:
    """Return the key figures with those of the *previous* period, if that is known.

    Without *has_chains*, a filter takes single assignments out of conversations: what follows a conversation
    cannot be counted.
    """
    return tuple(
        KeyFigure(name=name, value=None, previous=None, change=None, trend=())
        if name in _OF_CHAINS and not has_chains
        else KeyFigure(
            name=name,
            value=current.totals[name],
            previous=before,
            change=_change(name, current.totals[name], before),
            trend=current.parts[name],
            parts=current.rate_parts if name is KeyFigureName.REASSIGNMENT_RATE else None,
            previous_parts=previous.rate_parts
            if previous and name is KeyFigureName.REASSIGNMENT_RATE
            else None,
        )
        for name in KeyFigureName
        for before in [previous.totals[name] if previous else None]
    )


def _change(name: KeyFigureName, value: Value, previous: Value) -> float | None:
    """Return the change in percent; that of the rate in percentage points. None if there is none."""
    if value is None or previous is None:
        return None
    if name is KeyFigureName.REASSIGNMENT_RATE:
        return round(value - previous, 1)
    return percent_of(round(value - previous), round(previous)) if previous else None


def _count_parts(
    log: EncodedLog, part: Codes, part_count: int, return_hours: int
) -> tuple[dict[KeyFigureName, Series], list[tuple[int, int]]]:
    """Return the key figures of each part, and the reassigned and assigned conversations of each."""
    is_from, is_to = log.previous >= 0, log.assignee >= 0
    returns = np.sort(find_returns(log, return_hours)[2])
    conversations, reassigned, assigned = _count_conversations(log, part, part_count)
    rate_parts = list(zip(reassigned, assigned, strict=True))

    def count(rows: Codes | Flags) -> Series:
        return tuple(np.bincount(part[rows], minlength=part_count).tolist())

    figures = {
        KeyFigureName.ASSIGNMENTS: tuple(np.bincount(part, minlength=part_count).tolist()),
        KeyFigureName.FIRST_ASSIGNMENTS: count(is_to & ~is_from),
        KeyFigureName.REASSIGNMENTS: count(is_to & is_from),
        KeyFigureName.UNASSIGNMENTS: count(~is_to),
        KeyFigureName.CONVERSATIONS: conversations,
        KeyFigureName.CONTACTS: _count_distinct(_contacts_of(log.contacts)[log.contact], part, part_count),
        KeyFigureName.REASSIGNMENT_RATE: tuple(
            percent_of(more, some) if some else None for more, some in rate_parts
        ),
        KeyFigureName.BOUNCE_BACKS: count(returns),
    }
    return figures, rate_parts


def _contacts_of(contacts: Pairs) -> Codes:
    """Return the contact of each pair, -1 at the end: one id is one contact, whatever its names."""
    if not any(contacts.ids):
        return np.append(np.arange(len(contacts.names)), -1)
    codes: dict[str, int] = {}
    keys = (id_ or name or "" for id_, name in zip(contacts.ids, contacts.names, strict=True))
    return np.array([*(codes.setdefault(key, len(codes)) for key in keys), -1], np.int64)


def _count_distinct(codes: Codes, part: Codes, part_count: int) -> Series:
    """Return the number of distinct *codes* in each part; -1 is none."""
    order = grouped_rows(codes)
    return tuple(np.bincount(part[order[_begins_part(codes, part, order)]], minlength=part_count).tolist())


def _count_conversations(
    log: EncodedLog, part: Codes, part_count: int
) -> tuple[Series, tuple[int, ...], tuple[int, ...]]:
    """Return, by part, the conversations, those assigned more than once, and those assigned at all."""
    order = log.by_conversation
    begins = _begins_part(log.conversation, part, order)
    group_of_row = np.cumsum(begins) - 1
    part_of_group = part[order[begins]]
    assigned = np.bincount(group_of_row[log.assignee[order] >= 0], minlength=len(part_of_group))

    def count(groups: Flags) -> tuple[int, ...]:
        return tuple(np.bincount(part_of_group[groups], minlength=part_count).tolist())

    return count(assigned >= 0), count(assigned > 1), count(assigned > 0)


def _begins_part(codes: Codes, part: Codes, order: Codes) -> Flags:
    """Tell for each row of *order* whether it is the first of its code in its part."""
    is_first: Flags = np.diff(codes[order], prepend=-1) != 0
    is_first |= np.diff(part[order], prepend=-1) != 0
    return is_first

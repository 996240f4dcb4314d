"""Freshness, rejected-share, volume, stall and configuration checks of a load: warnings, not errors.

The reconciliation of row counts, which fails a load, is in `load.py`.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import sqrt
from statistics import median

from sqlalchemy import select

from assets.config.workspace import Workspace
from assets.extract.input_summary import count_text
from assets.extract.load import Loaded
from assets.extract.source_stall import Stall, find_stall
from assets.periods import DAY, first_instant, local_day
from assets.warehouse.base import Warehouse
from assets.warehouse.loaded_days import loaded_days
from assets.warehouse.schema import LOAD_COUNTS

_WEEKS = 8
_FEWEST_WEEKS = 3


@dataclass(frozen=True, slots=True)
class Watched:
    """The result of one check: its name, whether it passed, its text, and the numbers that decided."""

    name: str
    is_fine: bool
    text: str
    numbers: Mapping[str, float | datetime] = field(default_factory=dict)


WATCHED = {
    "newest_day_loaded": "the last closed day is loaded to its end",
    "rejected_share": "the share of rejected rows of this load is below the workspace's limit",
    "volume_within_range": "the last closed day has about as many events as the same weekday before",
    "source_not_stalled": "there are events in the hours in which there usually are",
    "days_match_configuration": "every loaded day was read with the current time zone and configuration",
}


def check_load(warehouse: Warehouse, workspace: Workspace, loaded: Loaded, now: datetime) -> list[Watched]:
    """Return the results of all checks of *loaded* and of the newest days, in the order of `WATCHED`."""
    return [
        _newest_day(warehouse, workspace, now),
        *check_rows(warehouse, workspace, loaded, now),
        _check_stall(warehouse, workspace, now),
        _check_configuration(warehouse, workspace, loaded),
    ]


def check_rows(warehouse: Warehouse, workspace: Workspace, loaded: Loaded, now: datetime) -> list[Watched]:
    """Return the results of the checks of what was read: its rejected share, and the volume of yesterday."""
    return [_check_rejected(loaded, workspace.max_rejected_pct), _check_volume(warehouse, workspace, now)]


def _check_stall(warehouse: Warehouse, workspace: Workspace, now: datetime) -> Watched:
    stall = find_stall(warehouse, workspace, now)
    if stall is None:
        return Watched("source_not_stalled", is_fine=True, text="no unusual gap")
    return Watched(
        "source_not_stalled",
        is_fine=False,
        text=stall_text(stall, workspace),
        numbers={"silent_since": stall.since, "silent_until": stall.until, "usual_events": stall.expected},
    )


def stall_text(stall: Stall, workspace: Workspace) -> str:
    """Return a sentence with the bounds of a silence and the usual number of events."""
    since, until = (
        f"{instant.astimezone(workspace.zone):%Y-%m-%d %H:%M}" for instant in (stall.since, stall.until)
    )
    return (
        f"no event from {since} to {until} ({workspace.timezone}), where about {stall.expected:,} are usual "
        "in the same hours of other weeks"
    )


def _check_configuration(warehouse: Warehouse, workspace: Workspace, loaded: Loaded) -> Watched:
    """Check that every loaded day matches the configuration; name days that do not, and reloaded ones."""
    outdated = loaded_days(warehouse, workspace).outdated
    reloaded = [
        f"{count_text(count, 'day')} reloaded: {cause}"
        for cause, count in Counter(loaded.causes.values()).items()
    ]
    remaining = [
        f"{count_text(count, 'day')} not reloaded yet: {cause}"
        for cause, count in Counter(outdated.values()).items()
    ]
    text = "; ".join([*reloaded, *remaining]) or "nothing has changed since days were loaded"
    numbers = {"reloaded_days": len(loaded.causes), "outdated_days": len(outdated)}
    return Watched("days_match_configuration", not outdated, text, numbers)


def _newest_day(warehouse: Warehouse, workspace: Workspace, now: datetime) -> Watched:
    loads = LOAD_COUNTS.c
    today = local_day(now, workspace.zone)
    closed = loads.local_day < today
    rows = warehouse.query(
        select(loads.local_day, loads.loaded_until).where(closed).order_by(loads.local_day.desc()).limit(1)
    ).to_pylist()
    yesterday = local_day(first_instant(today, workspace.zone) - timedelta(microseconds=1), workspace.zone)
    if not rows:
        return Watched("newest_day_loaded", is_fine=False, text="no closed day is loaded")
    newest, loaded_until = rows[0]["local_day"], rows[0]["loaded_until"]
    is_whole = loaded_until >= first_instant(newest + DAY, workspace.zone)
    text = f"newest day: {newest}{'' if is_whole else ', not to its end'}; yesterday: {yesterday}"
    numbers = {"loaded_until": loaded_until, "days_behind": (yesterday - newest).days}
    return Watched("newest_day_loaded", newest == yesterday and is_whole, text, numbers)


def _check_rejected(loaded: Loaded, max_pct: float) -> Watched:
    read, rejected = loaded.total("read_count"), loaded.total("rejected_count")
    share = 100 * rejected / read if read else 0
    text = f"{rejected:,} of {read:,} rows rejected, {share:.1f} %; the limit is {max_pct:g} %"
    numbers = {
        "read": read,
        "rejected": rejected,
        "rejected_pct": round(share, 3),
        "max_rejected_pct": max_pct,
    }
    return Watched("rejected_share", share <= max_pct, text, numbers)


def _check_volume(warehouse: Warehouse, workspace: Workspace, now: datetime) -> Watched:
    """Compare yesterday with the median of the same weekday of the eight previous weeks.

    The accepted range is 0.5 to 1.5 times the median, or three times its square root around it where that is
    wider. Days without events are left out where other weeks had some: those were outages.
    """
    yesterday = local_day(now, workspace.zone) - DAY
    previous_days = [yesterday - 7 * week * DAY for week in range(1, _WEEKS + 1)]
    loads = LOAD_COUNTS.c
    rows = warehouse.query(
        select(loads.local_day, loads.accepted_count).where(loads.local_day.in_([yesterday, *previous_days]))
    )
    counts = dict(zip(*(column.to_pylist() for column in rows.columns), strict=True))
    previous_counts = [counts[day] for day in previous_days if day in counts]
    usual = [count for count in previous_counts if count] or previous_counts
    if yesterday not in counts or len(usual) < _FEWEST_WEEKS:
        return Watched("volume_within_range", is_fine=True, text=f"too few weeks to compare {yesterday} with")
    count, typical = counts[yesterday], median(usual)
    chance = 3 * sqrt(typical)
    lowest, highest = min(typical / 2, typical - chance), max(typical * 1.5, typical + chance)
    text = (
        f"{yesterday}: {count:,} events; the median of the same weekday of {len(usual)} weeks: {typical:,g}"
    )
    numbers = {"events": count, "median": typical, "lowest": round(lowest, 1), "highest": round(highest, 1)}
    return Watched("volume_within_range", lowest <= count <= highest, text, numbers)

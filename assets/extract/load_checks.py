"""What is watched about a load beyond its sums: freshness, rejected rows, volume. Warnings, not errors."""

from collections import Counter
from dataclasses import dataclass
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
    """Whether something is as it should be, and what was seen."""

    name: str
    is_fine: bool
    text: str


WATCHED = {
    "newest_day_loaded": "the newest day loaded to its end is the day that closed last",
    "rejected_share": "the share of rejected rows of this load is below the workspace's limit",
    "volume_within_range": "the day that closed last has about as many events as the same weekday before",
    "source_not_stalled": "events have come since the last one in the hours in which they usually do",
    "days_match_configuration": "every loaded day was read by the present zone and source configuration",
}


def check_load(warehouse: Warehouse, workspace: Workspace, loaded: Loaded, now: datetime) -> list[Watched]:
    """Return what is said of *loaded*, and of the newest days in the warehouse, in the order of `WATCHED`."""
    return [
        _newest_day(warehouse, workspace, now),
        _check_rejected(loaded, workspace.max_rejected_pct),
        _check_volume(warehouse, workspace, now),
        _check_stall(warehouse, workspace, now),
        _check_configuration(warehouse, workspace, loaded),
    ]


def _check_stall(warehouse: Warehouse, workspace: Workspace, now: datetime) -> Watched:
    stall = find_stall(warehouse, workspace, now)
    text = stall_text(stall, workspace) if stall else "no unusual silence"
    return Watched("source_not_stalled", stall is None, text)


def stall_text(stall: Stall, workspace: Workspace) -> str:
    """Say since when nothing came, and what is usual."""
    since, until = (
        f"{instant.astimezone(workspace.zone):%Y-%m-%d %H:%M}" for instant in (stall.since, stall.until)
    )
    return (
        f"no event from {since} to {until} ({workspace.timezone}), where about {stall.expected:,} are usual "
        "in the same hours of other weeks"
    )


def _check_configuration(warehouse: Warehouse, workspace: Workspace, loaded: Loaded) -> Watched:
    """Name the days that do not match, and those that were read again because they did not."""
    outdated = loaded_days(warehouse, workspace).outdated
    again = [
        f"{count_text(n, 'day')} read again: {cause}" for cause, n in Counter(loaded.causes.values()).items()
    ]
    left = [
        f"{count_text(n, 'day')} not read again: {cause}" for cause, n in Counter(outdated.values()).items()
    ]
    text = "; ".join([*again, *left]) or "nothing has changed since days were loaded"
    return Watched("days_match_configuration", not outdated, text)


def _newest_day(warehouse: Warehouse, workspace: Workspace, now: datetime) -> Watched:
    loads = LOAD_COUNTS.c
    today = local_day(now, workspace.zone)
    closed = loads.local_day < today
    found = warehouse.query(
        select(loads.local_day, loads.loaded_until).where(closed).order_by(loads.local_day.desc()).limit(1)
    ).to_pylist()
    yesterday = local_day(first_instant(today, workspace.zone) - timedelta(microseconds=1), workspace.zone)
    if not found:
        return Watched("newest_day_loaded", is_fine=False, text="no closed day is loaded")
    newest = found[0]["local_day"]
    is_whole = found[0]["loaded_until"] >= first_instant(newest + DAY, workspace.zone)
    text = f"newest day: {newest}{'' if is_whole else ', not to its end'}; yesterday: {yesterday}"
    return Watched("newest_day_loaded", newest == yesterday and is_whole, text)


def _check_rejected(loaded: Loaded, most_pct: float) -> Watched:
    read, rejected = loaded.total("read_count"), loaded.total("rejected_count")
    share = 100 * rejected / read if read else 0
    text = f"{rejected:,} of {read:,} rows rejected, {share:.1f} %; the limit is {most_pct:g} %"
    return Watched("rejected_share", share <= most_pct, text)


def _check_volume(warehouse: Warehouse, workspace: Workspace, now: datetime) -> Watched:
    """Compare with the median of the same weekday of eight weeks: half of it to 1.5 times, or chance.

    A day of an outage, on which nothing came, is not among them where other weeks had events.
    """
    yesterday = local_day(now, workspace.zone) - DAY
    before = [yesterday - 7 * week * DAY for week in range(1, _WEEKS + 1)]
    loads = LOAD_COUNTS.c
    rows = warehouse.query(
        select(loads.local_day, loads.accepted_count).where(loads.local_day.in_([yesterday, *before]))
    )
    counts = dict(zip(*(column.to_pylist() for column in rows.columns), strict=True))
    found = [counts[day] for day in before if day in counts]
    usual = [count for count in found if count] or found
    if yesterday not in counts or len(usual) < _FEWEST_WEEKS:
        return Watched("volume_within_range", is_fine=True, text=f"too few weeks to compare {yesterday} with")
    count, middle = counts[yesterday], median(usual)
    chance = 3 * sqrt(middle)
    least, most = min(middle / 2, middle - chance), max(middle * 1.5, middle + chance)
    text = f"{yesterday}: {count:,} events; the median of the same weekday of {len(usual)} weeks: {middle:,g}"
    return Watched("volume_within_range", least <= count <= most, text)

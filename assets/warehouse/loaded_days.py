"""Stored days that count as loaded: cut by the current time zone, read with the current source configuration.

Reads `load_counts` only. Files that were added or changed since are the concern of `extract/load_plan.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from assets.config.source import IMPORTED, PRUNED, reading_version
from assets.config.workspace import Workspace
from assets.periods import DAY, first_instant
from assets.warehouse.base import Warehouse
from assets.warehouse.reading import remembered
from assets.warehouse.schema import LOAD_COUNTS


@dataclass(frozen=True, slots=True)
class LoadedDays:
    """The loaded days: `until` is the instant up to which a day is loaded, `versions` its source version.

    `outdated` are stored days that count as not loaded, each with the cause. Where `has_unstated`, the
    previous assignee of some event must be found in earlier days, however far back. `pruned` are stored days,
    outdated or not, whose source has no events any more.
    """

    until: Mapping[date, datetime]
    versions: Mapping[date, str]
    outdated: Mapping[date, str]
    has_unstated: bool
    pruned: frozenset[date] = frozenset()


@remembered
def loaded_days(warehouse: Warehouse, workspace: Workspace) -> LoadedDays:
    """Read what is stored of every day, and compare it with the configuration."""
    names = ("local_day", "loaded_until", "unstated_count", "zone", "day_start", "day_end", "source_version")
    rows = warehouse.query(select(*(LOAD_COUNTS.c[name] for name in names)))
    columns = [column.to_pylist() for column in rows.columns]
    version = reading_version(workspace.source)
    until, versions, outdated = dict[date, datetime](), dict[date, str](), dict[date, str]()
    for day, loaded_until, _, zone, start, end, day_version in zip(*columns, strict=True):
        if zone != workspace.timezone:
            outdated[day] = f"the time zone was {zone}"
        elif (start, end) != (
            first_instant(day, workspace.zone),
            first_instant(day + DAY, workspace.zone),
        ):
            outdated[day] = f"the clock changes of {zone} have changed"
        elif day_version != version and not day_version.startswith((IMPORTED, PRUNED)):
            outdated[day] = "the configuration of the source has changed"
        else:
            until[day], versions[day] = loaded_until, day_version
    days = zip(columns[0], columns[-1], strict=True)
    pruned = frozenset(day for day, day_version in days if day_version.startswith(PRUNED))
    return LoadedDays(until, versions, outdated, any(columns[names.index("unstated_count")]), pruned)

"""The plan of a load: the requested days, and stored days whose zone, source or files have changed.

Decides and remembers only; `load.py` reads and stores. The inventory of files is stored beside the tables.
"""

import json
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime

from assets.config.source import IMPORTED
from assets.config.workspace import Workspace
from assets.errors import SourceUnreadable
from assets.extract.input_summary import InputSummary
from assets.periods import DAY, first_instant, local_day
from assets.sources.files.imports import DaySources
from assets.warehouse.base import Warehouse
from assets.warehouse.loaded_days import LoadedDays, loaded_days

_INVENTORY = ".inputs.json"
_MAX_NAMED = 5


@dataclass(frozen=True, slots=True)
class KnownInput:
    """A file as of its last read; unless it `is_whole`, the days of its rows are unknown.

    `reading` is the version of the source's configuration, and the workspace's zone.
    """

    version: str
    first_at: datetime | None
    last_at: datetime | None
    is_whole: bool
    reading: str


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """The days to load, the cause of each that was not requested, and days that a changed file may affect.

    `obsolete` are stored days that are removed before anything is stored: days of another zone or another
    source configuration must not stay beside them. `inventory` holds the current files, `changed` the names
    of files that are new, changed or removed since `known` was written.
    """

    days: tuple[date, ...]
    causes: Mapping[date, str]
    maybe: frozenset[date]
    obsolete: frozenset[date]
    inventory: Mapping[str, str]
    known: Mapping[str, KnownInput]
    changed: frozenset[str]
    reading: str

    @property
    def candidates(self) -> list[date]:
        """Return every day that is read, in order."""
        return sorted({*self.days, *self.maybe})

    def concerned(self, inputs: Mapping[str, InputSummary], workspace: Workspace) -> dict[date, str]:
        """Return the days of `maybe` that have rows of a changed file, now or at its last read."""
        spans = [
            (known.first_at, known.last_at, known.is_whole)
            for name, known in self.known.items()
            if name in self.changed
        ] + [
            (summary.first_at, summary.last_at, not summary.problems)
            for name, summary in inputs.items()
            if name in self.changed
        ]
        if not all(is_whole for _, _, is_whole in spans):
            return dict.fromkeys(self.maybe, _files_changed(self.changed))
        bounds = [
            (local_day(first, workspace.zone), local_day(last, workspace.zone))
            for first, last, _ in spans
            if first and last
        ]
        return {
            day: _files_changed(self.changed)
            for day in self.maybe
            if any(first <= day <= last for first, last in bounds)
        }

    def files_with(self, days: Collection[date], workspace: Workspace) -> set[str]:
        """Return the unchanged files that may have rows of *days*: of most, their last read says so."""
        asked = sorted(days)

        def may_have_rows(known: KnownInput | None) -> bool:
            if not known or not known.is_whole or known.reading != self.reading:
                return True
            if not known.first_at or not known.last_at:
                return False
            first, last = (local_day(at, workspace.zone) for at in (known.first_at, known.last_at))
            following = bisect_left(asked, first)
            return following < len(asked) and asked[following] <= last

        return {name for name in self.inventory.keys() - self.changed if may_have_rows(self.known.get(name))}

    def remember(self, warehouse: Warehouse, inputs: Mapping[str, InputSummary]) -> None:
        """Store the inventory of files as they were read, if it has changed."""
        current = {name: self._last_read(name, inputs.get(name)) for name in sorted(self.inventory)}
        if current != self.known:
            entries = {name: asdict(known) for name, known in current.items()}
            warehouse.store_text(_INVENTORY, json.dumps(entries, indent=1, default=datetime.isoformat))

    def _last_read(self, name: str, summary: InputSummary | None) -> KnownInput:
        """Return a file as it was read by this load, or as it was known where this load left it out."""
        version = self.inventory[name]
        if summary:
            is_whole, version = not summary.problems, "" if summary.may_pass else version
            return KnownInput(version, summary.first_at, summary.last_at, is_whole, self.reading)
        if name in self.known and name not in self.changed:
            return self.known[name]
        return KnownInput(version, None, None, is_whole=True, reading=self.reading)


def plan_load(
    workspace: Workspace, sources: DaySources, warehouse: Warehouse, requested: Iterable[date], now: datetime
) -> LoadPlan:
    """Return what to read for the *requested* days that have begun, and for stored days that are outdated.

    A day that is already loaded up to a later instant is left as it is, and so is one whose webhooks were
    deleted. Raises SourceError.
    """
    stored = loaded_days(warehouse, workspace)
    final = frozenset(day for day in stored.pruned if not sources.is_imported(day))
    if lost := sorted(final & stored.outdated.keys()):
        raise SourceUnreadable(
            f"the days {lost[0]} to {lost[-1]} cannot be loaded again: their webhooks were deleted "
            f"(`keep_webhooks_days`), and {stored.outdated[lost[0]]}\n"
            "hint: undo that change, or import a file that has these days"
        )

    def is_open(day: date) -> bool:
        """Return whether *day* has begun, and is not loaded up to a later instant than this load's."""
        start, end = (first_instant(local_date, workspace.zone) for local_date in (day, day + DAY))
        is_later = day in stored.until and stored.until[day] > min(end, now)
        return start < min(end, now) and not is_later and day not in final

    outdated = {**stored.outdated, **_read_otherwise(stored, sources)}
    causes = {day: cause for day, cause in outdated.items() if is_open(day)}
    days = {day for day in requested if is_open(day)} | causes.keys()
    of_main = {day for day, version in stored.versions.items() if not version.startswith(IMPORTED)}
    inventory, known = dict[str, str](), dict[str, KnownInput]()
    if of_main or not all(map(sources.is_imported, days)):
        inventory, known = sources.main.inventory(), _known_inputs(warehouse)
    changed = _changed_inputs(inventory, known)
    return LoadPlan(
        days=tuple(sorted(days)),
        causes=causes,
        maybe=frozenset(day for day in of_main - days if changed and is_open(day)),
        obsolete=frozenset(outdated),
        inventory=inventory,
        known=known,
        changed=changed,
        reading=f"{sources.main_version} {workspace.timezone}",
    )


def changed_files(sources: DaySources, warehouse: Warehouse) -> frozenset[str]:
    """Return the files that were added, changed or removed since they were last read.

    Raises SourceError.
    """
    return _changed_inputs(sources.main.inventory(), _known_inputs(warehouse))


def changes_since_load(workspace: Workspace, sources: DaySources, warehouse: Warehouse) -> list[str]:
    """Return the reasons why a load would read more days than requested; empty where nothing is loaded yet.

    Raises SourceError.
    """
    stored = loaded_days(warehouse, workspace)
    causes = sorted({*stored.outdated.values(), *_read_otherwise(stored, sources).values()})
    if not all(version.startswith(IMPORTED) for version in stored.versions.values()):
        changed = changed_files(sources, warehouse)
        causes += [_files_changed(changed)] if changed else []
    return causes


def _read_otherwise(stored: LoadedDays, sources: DaySources) -> dict[date, str]:
    """Return the loaded days that an imported file covers since they were loaded, or no longer covers."""
    imported = {
        day: "an imported file has these days"
        for day, version in stored.versions.items()
        if sources.is_imported(day) and version != sources.version_of(day)
    }
    returned = {
        day: "the imported file was removed"
        for day, version in stored.versions.items()
        if version.startswith(IMPORTED) and not sources.is_imported(day)
    }
    return imported | returned


def _known_inputs(warehouse: Warehouse) -> dict[str, KnownInput]:
    text = warehouse.stored_text(_INVENTORY)
    return {
        name: KnownInput(
            entry["version"],
            _parse_instant(entry["first_at"]),
            _parse_instant(entry["last_at"]),
            entry["is_whole"],
            entry.get("reading", ""),
        )
        for name, entry in json.loads(text or "{}").items()
    }


def _changed_inputs(inventory: Mapping[str, str], known: Mapping[str, KnownInput]) -> frozenset[str]:
    current, previous = (
        set(inventory.items()),
        {(name, known_input.version) for name, known_input in known.items()},
    )
    return frozenset(name for name, _ in current ^ previous)


def _files_changed(names: Collection[str]) -> str:
    listed = ", ".join(sorted(names)[:_MAX_NAMED])
    rest = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    return f"files were added, changed or removed: {listed}{rest}"


def _parse_instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None

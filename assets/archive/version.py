"""A version of a report: what it is called, what it holds, what it was made from, what changed. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from assets.config.workspace import ReportSpec
from assets.report.model import ReasonCode, Report, Span
from assets.runtime.frozen_model import FrozenModel

MANIFEST = "manifest.json"
REPORT = "report.json"
VARIANT = "~"


class Key(NamedTuple):
    """One report of one report date."""

    workspace: str
    report: str
    report_date: date


Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Origin:
    """What a report was made from: its configuration, and the releases of what made it."""

    configuration: Mapping[str, Any]
    made_with: Mapping[str, str]


class FileEntry(FrozenModel):
    """One archived file."""

    name: str
    size: int
    sha256: str


class Cause(StrEnum):
    """What a version differs by from the one before."""

    CONFIGURATION = "configuration"
    DATA = "data"


class Supersedes(FrozenModel):
    """The version before, what changed (`{"total": [1204, 1211], "Workflow": [10, 17]}`), and why.

    A total is null where a version had no data.
    """

    version: int
    changes: dict[str, tuple[int | None, int | None]]
    causes: tuple[Cause, ...] = ()


class Manifest(FrozenModel):
    """What a version holds and what it was made from."""

    schema_version: int = 1
    workspace: str
    workspace_name: str
    report: str
    title: str
    report_date: date
    version: int
    period: Span
    as_of: str
    total: int
    by_source: dict[str, int]
    provisional: bool
    reasons: tuple[ReasonCode, ...] = ()
    has_no_data: bool = False
    data_version: str
    configuration: dict[str, Any]
    made_with: dict[str, str]
    files: tuple[FileEntry, ...]
    supersedes: Supersedes | None


@dataclass(frozen=True, slots=True)
class Archived:
    """A version in the archive; `is_new` tells whether this run made it."""

    folder: Path
    manifest: Manifest
    is_new: bool

    def report(self) -> Report:
        """Return the report that it holds."""
        return Report.model_validate_json((self.folder / REPORT).read_bytes())


def changed_figures(before: Manifest, report: Report | Manifest) -> dict[str, tuple[int | None, int | None]]:
    """Return each figure of *report* that differs from the version before, with both values.

    Where one of them has no data, that is the only difference, and None stands for it.
    """
    if before.has_no_data or report.has_no_data:
        totals = tuple(None if each.has_no_data else each.total for each in (before, report))
        return {} if totals == (None, None) else {"total": (totals[0], totals[1])}
    by_source = (
        report.by_source
        if isinstance(report, Manifest)
        else {each.label: each.count for each in report.by_source}
    )
    now = {"total": report.total} | by_source
    then = {"total": before.total} | before.by_source
    return {
        name: (then.get(name, 0), now.get(name, 0))
        for name in sorted(now.keys() | then.keys())
        if then.get(name, 0) != now.get(name, 0)
    }


@dataclass(frozen=True, slots=True)
class Version:
    """The newest version of a report, as the catalog has it."""

    version: int
    as_of: datetime
    made_at: datetime
    provisional: bool
    data_version: str
    outdated_since: datetime | None

    def counts_up_to(self, until: datetime, spec: ReportSpec) -> bool:
        """Tell whether it counts the running day of *spec* up to *until*; other reports count whole days."""
        return not spec.includes_running_day or self.as_of >= until

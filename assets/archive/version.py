"""The models of an archived version: its key, manifest, origin and changes. Pure."""

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
    """What a report was made from: its configuration, and the versions of the libraries."""

    configuration: Mapping[str, Any]
    made_with: Mapping[str, str]


class FileEntry(FrozenModel):
    """One archived file."""

    name: str
    size: int
    sha256: str


class Cause(StrEnum):
    """Why a version differs from the one it supersedes."""

    CONFIGURATION = "configuration"
    DATA = "data"


class Supersedes(FrozenModel):
    """The superseded version, the changes (`{"total": [1204, 1211], "Workflow": [10, 17]}`), and the causes.

    A total is null if its version had no data.
    """

    version: int
    changes: dict[str, tuple[int | None, int | None]]
    causes: tuple[Cause, ...] = ()


class Manifest(FrozenModel):
    """The content of a version and what it was made from; stored as `manifest.json`."""

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
        """Return the version's report."""
        return Report.model_validate_json((self.folder / REPORT).read_bytes())


def changed_figures(before: Manifest, report: Report | Manifest) -> dict[str, tuple[int | None, int | None]]:
    """Return the figures of *report* that differ from *before*, by name, with both values.

    If only one of the two has no data, the total is the only difference, with None for that one.
    """
    if before.has_no_data or report.has_no_data:
        totals = tuple(None if manifest.has_no_data else manifest.total for manifest in (before, report))
        return {} if totals == (None, None) else {"total": (totals[0], totals[1])}
    by_source = (
        report.by_source
        if isinstance(report, Manifest)
        else {source.label: source.count for source in report.by_source}
    )
    now = {"total": report.total} | by_source
    previous = {"total": before.total} | before.by_source
    return {
        name: (previous.get(name, 0), now.get(name, 0))
        for name in sorted(now.keys() | previous.keys())
        if previous.get(name, 0) != now.get(name, 0)
    }


@dataclass(frozen=True, slots=True)
class Version:
    """The newest version of a report in the catalog."""

    version: int
    as_of: datetime
    made_at: datetime
    provisional: bool
    data_version: str
    outdated_since: datetime | None
    total: int

    def counts_up_to(self, until: datetime, spec: ReportSpec) -> bool:
        """Tell whether it counts up to *until*; only reports with a running day may not."""
        return not spec.includes_running_day or self.as_of >= until

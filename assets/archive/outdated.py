"""Find outdated reports: archived versions whose days have changed since they were made.

A search examines the versions over days that have changed since the last search, those that no search has
examined yet, and provisional ones. All are examined again when the configuration says other days.
"""

import hashlib
from datetime import date, datetime

from assets.aggregates.lineage import DataVersions, data_versions
from assets.archive.catalog import Catalog, Search
from assets.archive.version import Key, Version
from assets.config.workspace import Workspace
from assets.extract.source_stall import find_stall
from assets.report.report_periods import days_of_report, period_of
from assets.warehouse.base import Warehouse
from assets.warehouse.reading import reading


def mark_outdated_reports(
    catalog: Catalog, warehouse: Warehouse, workspace: Workspace, now: datetime
) -> dict[Key, Version]:
    """Mark the newest versions of *workspace* whose own or compared days have changed since; return them.

    Earlier days, from which opening balances are counted, are not checked. Reports that are no longer
    configured are skipped. It searches again where another search ended meanwhile.
    """
    while True:
        with reading(warehouse):
            before, stored = catalog.last_search(workspace.slug), data_versions(warehouse)
            seen = Search(workspace.slug, before.number + 1, _digest_of_reports(workspace), stored.digests())
            examined = catalog.to_examine(workspace.slug, _first_change(before, seen))
            outdated = _outdated_among(examined, stored, warehouse, workspace)
        if catalog.end_search(seen, examined, outdated, now):
            return outdated


def _first_change(before: Search, seen: Search) -> date | None:
    """Return the first day whose data differs since the search *before*; None where none does."""
    if before.reports != seen.reports:
        return date.min
    days = before.days.keys() | seen.days.keys()
    changed = [day for day in days if before.days.get(day) != seen.days.get(day)]
    return date.fromisoformat(min(changed)) if changed else None


def _outdated_among(
    versions: dict[Key, Version], stored: DataVersions, warehouse: Warehouse, workspace: Workspace
) -> dict[Key, Version]:
    specs = {spec.name: spec for spec in workspace.all_reports}
    outdated = {}
    for key, version in versions.items():
        if spec := specs.get(key.report):
            end = period_of(spec, key.report_date, workspace).bounds[1]
            stall = version.provisional and find_stall(warehouse, workspace, min(version.as_of, end))
            days = days_of_report(spec, key.report_date, workspace)
            if version.data_version != stored.of(days, stall.since if stall else None):
                outdated[key] = version
    return outdated


def _digest_of_reports(workspace: Workspace) -> str:
    """Return the SHA-256 of the configuration that says which days each report reads."""
    texts = [workspace.model_dump_json(include={"timezone", "language", "week_starts", "explorer_days"})]
    texts += [spec.model_dump_json(exclude={"brand"}) for spec in workspace.all_reports]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()

"""Find outdated reports: archived versions whose days have changed since they were made."""

from assets.aggregates.lineage import data_versions
from assets.archive.catalog import Catalog
from assets.archive.version import Key, Version
from assets.config.workspace import Workspace
from assets.extract.source_stall import find_stall
from assets.report.report_periods import days_of_report, period_of
from assets.warehouse.base import Warehouse


def outdated_reports(catalog: Catalog, warehouse: Warehouse, workspace: Workspace) -> dict[Key, Version]:
    """Return the newest versions of *workspace* whose own or compared days have changed since.

    Earlier days, from which opening balances are counted, are not checked. Reports that are no longer
    configured are skipped.
    """
    specs = {spec.name: spec for spec in workspace.all_reports}
    outdated = {}
    with warehouse.reading():
        stored = data_versions(warehouse)
        for key, version in catalog.newest(workspace=workspace.slug).items():
            if spec := specs.get(key.report):
                end = period_of(spec, key.report_date, workspace).bounds[1]
                stall = version.provisional and find_stall(warehouse, workspace, min(version.as_of, end))
                days = days_of_report(spec, key.report_date, workspace)
                if version.data_version != stored.of(days, stall.since if stall else None):
                    outdated[key] = version
    return outdated

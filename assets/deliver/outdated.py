"""Which archived reports no longer say what their days say."""

from assets.aggregates.history import data_versions
from assets.config import Workspace
from assets.deliver.archive import Key
from assets.deliver.catalogue import Catalogue, Version
from assets.report.build import days_of_report
from assets.warehouse.warehouse import Warehouse


def outdated_reports(catalogue: Catalogue, warehouse: Warehouse, workspace: Workspace) -> dict[Key, Version]:
    """Return the newest versions of *workspace* whose own or compared days have changed since.

    What lies before them, as in the opening of a person's contacts, is not looked at. Reports that
    are no longer in the configuration are left as they are.
    """
    specs = {spec.name: spec for spec in workspace.all_reports}
    with warehouse.reading():
        stored = data_versions(warehouse)
    return {
        key: version
        for key, version in catalogue.newest(workspace=workspace.slug).items()
        if (spec := specs.get(key.report))
        and version.data_version != stored.of(days_of_report(spec, key.report_date, workspace))
    }

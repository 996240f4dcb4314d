"""End incidents of which the state database shows that they are over, whoever has done the work.

Dagster's sensors and the command line also end incidents themselves, when they see a success.
"""

from datetime import datetime

from assets.archive.catalog import Catalog
from assets.config.deployment import Config
from assets.periods import DAY
from assets.state.alerts import AlertLog
from assets.state.incident import Incident
from assets.state.loads import LoadLog


def end_recovered(config: Config, alerts: AlertLog, now: datetime) -> None:
    """End the incidents of sources that were read since, and of reports that were made since."""
    for incident in alerts.open():
        seen = incident.seen
        if seen.key == f"{seen.workspace}/load" and seen.kind.startswith(("Source", "days_missing")):
            load = LoadLog(config.state).last_loads().get(seen.workspace)
            if load and load.loaded_at > incident.last_at:
                alerts.end(seen.key, "The source was read.", now)
        elif seen.key == f"{seen.workspace}/reports" and seen.reports and _are_made(config, incident, now):
            alerts.end(seen.key, "The reports were made.", now)


def _are_made(config: Config, incident: Incident, now: datetime) -> bool:
    """Tell whether each report of *incident* was made since its last failure."""
    archived = Catalog(config.state).newest(now.date() - 3 * DAY, incident.seen.workspace)
    made = {key.report for key, version in archived.items() if version.made_at > incident.last_at}
    return made.issuperset(incident.seen.reports)

"""Warnings about the rows of a load: stored while they hold, ended by the next load that is fine."""

from datetime import UTC, date, datetime
from pathlib import Path

from pydantic import SecretStr

from assets.extract.stall_alerts import add_load_alerts
from assets.state.alerts import AlertLog
from assets.state.incident import Severity
from tests.conftest import Inbox, line

NOON = datetime(2024, 3, 20, 16, tzinfo=UTC)
YESTERDAY, LONG_AGO = date(2024, 3, 19), date(2024, 3, 1)


def test_many_rejected_rows_are_an_alert_until_a_load_is_fine(inbox: Inbox, tmp_path: Path) -> None:
    alerts = AlertLog(SecretStr(f"sqlite:///{tmp_path}/state.sqlite"))

    def open_after_load(first: date, last: date) -> list[str]:
        loaded = inbox.load(first, last, now=NOON)
        add_load_alerts(alerts, inbox.lake, inbox.workspace, loaded, NOON)
        return [incident.seen.key for incident in alerts.open()]

    good = [line(f"good{n}", "2024-03-19T15:00:00Z") for n in range(9)]
    bad = [line(f"bad{n}", "2024-03-19T15:00:00Z", contact_id="", conversation_id="") for n in range(2)]
    inbox.write(*good, *bad)
    assert open_after_load(LONG_AGO, LONG_AGO) == [], "a load of the past warns of nothing"
    assert open_after_load(YESTERDAY, YESTERDAY) == ["acme/rejected_share"]
    (incident,) = alerts.open()
    assert (incident.seen.severity, incident.count) == (Severity.WARNING, 1)
    assert "2 of 11 rows rejected, 18.2 %; the limit is 5 %" in incident.seen.text
    inbox.write(*good)
    assert open_after_load(YESTERDAY, YESTERDAY) == []
    (ended,) = alerts.pending(NOON)
    assert ended.ending == "0 of 9 rows rejected, 0.0 %; the limit is 5 %."

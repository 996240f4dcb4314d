"""Incidents in place of alerts, one row a cause; and the last load of each workspace."""

from typing import Any

from alembic import op
from sqlalchemy import JSON, Column, DateTime, Integer, RowMapping, Text, select, table

revision = "0008"
down_revision = "0007"

_STALLED, _RESUMED = "stalled/", "resumed/"
_ALERTS = table(
    "alerts",
    Column("key", Text),
    Column("text", Text),
    Column("created_at", DateTime(timezone=True)),
    Column("sent_at", DateTime(timezone=True)),
)


def upgrade() -> None:
    """Make the tables; keep the alerts that were not sent, and the stalls that have not ended."""
    incidents = op.create_table(
        "incidents",
        Column("key", Text, primary_key=True, comment="the workspace and what failed"),
        Column("kind", Text, nullable=False, comment="of the error"),
        Column("severity", Text, nullable=False, comment="error or warning"),
        Column("title", Text, nullable=False),
        Column("text", Text, nullable=False, comment="what went wrong"),
        Column("occurrence", Text, nullable=False, comment="tells one failure from the next: a run, a day"),
        Column("next_step", Text, nullable=False),
        Column("remedy", Text, nullable=False, comment="what the operator can do"),
        Column("run", Text, nullable=False, comment="of the last failure: its address, or its ID"),
        Column("assets", JSON, nullable=False, comment="a success of all of them is its end"),
        Column("reports", JSON, nullable=False, comment="that it endangers"),
        Column("at_risk", JSON, nullable=False, comment="when they are due"),
        Column("since", DateTime(timezone=True), nullable=False),
        Column("last_at", DateTime(timezone=True), nullable=False, comment="of the last occurrence"),
        Column("count", Integer, nullable=False, comment="occurrences"),
        Column("ended_at", DateTime(timezone=True), comment="none: it is open"),
        Column("ending", Text, nullable=False, comment="why it is over"),
        Column("mails", Integer, nullable=False, comment="that the operator was sent"),
        Column("mailed_at", DateTime(timezone=True), comment="when the last one was sent"),
        Column(
            "due_at", DateTime(timezone=True), comment="when the next mail is due; none: there is nothing new"
        ),
        Column(
            "revision", Integer, nullable=False, comment="number of changes: a conditional update names it"
        ),
        comment="the operator's alerts, one row a cause",
    )
    op.create_table(
        "last_loads",
        Column("workspace", Text, primary_key=True),
        Column("loaded_at", DateTime(timezone=True), nullable=False),
        Column("loaded_until", DateTime(timezone=True), comment="of the newest loaded day"),
        Column("newest_event", DateTime(timezone=True), comment="when the newest stored event occurred"),
        comment="when each workspace was last loaded",
    )
    alerts = op.get_bind().execute(select(_ALERTS).order_by(_ALERTS.c.created_at)).mappings().all()
    keys = {alert["key"] for alert in alerts}
    rows = {}
    for alert in alerts:
        is_stall = alert["key"].startswith(_STALLED)
        if not alert["sent_at"] or (is_stall and alert["key"].replace(_STALLED, _RESUMED, 1) not in keys):
            rows[_key(alert["key"])] = _incident(alert)
    if rows:
        op.bulk_insert(incidents, list(rows.values()))
    op.drop_table("alerts")


def _key(key: str) -> str:
    """Return the key of the incident: a stall has that of its workspace, any other alert its own."""
    return f"{key.split('/')[1]}/source_stalled" if key.startswith(_STALLED) else f"/{key}"


def _incident(alert: RowMapping) -> dict[str, Any]:
    key = alert["key"]
    return {
        "key": _key(key),
        "kind": "source_stalled" if key.startswith(_STALLED) else "earlier_release",
        "severity": "warning",
        "title": alert["text"].split(". ")[0],
        "text": alert["text"],
        "occurrence": key.rpartition("/")[2],
        **dict.fromkeys(("next_step", "remedy", "run", "ending"), ""),
        "assets": [],
        "reports": [],
        "at_risk": [],
        "since": alert["created_at"],
        "last_at": alert["created_at"],
        "count": 1,
        "mails": 1 if alert["sent_at"] else 0,
        "mailed_at": alert["sent_at"],
        "due_at": None if alert["sent_at"] else alert["created_at"],
        "revision": 1,
    }

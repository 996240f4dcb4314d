"""The tables of the state database: the catalog of reports, subscriptions, deliveries and incidents.

A report's facts are in its files; these rows hold what changes about it afterwards.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    false,
)

METADATA = MetaData()
HEAD = "0009"


class _Instant(TypeDecorator[datetime]):
    """A UTC instant; SQLite stores no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        return value and value.replace(tzinfo=value.tzinfo or UTC)


def _key_columns() -> list[Column[object]]:
    return [
        Column("workspace", Text, primary_key=True),
        Column("report", Text, primary_key=True),
        Column("report_date", Date, primary_key=True),
    ]


REPORT_VERSIONS = Table(
    "report_versions",
    METADATA,
    *_key_columns(),
    Column("version", Integer, primary_key=True),
    Column("workspace_name", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("as_of", _Instant, nullable=False, comment="instant up to which it counts"),
    Column("total", Integer, nullable=False),
    Column("provisional", Boolean, nullable=False),
    Column("reasons", JSON, comment="why it is provisional: codes of docs/reference/definitions.md"),
    Column("has_no_data", Boolean, nullable=False, comment="its total of 0 says nothing"),
    Column("language", Text, comment="of its words, dates and numbers"),
    Column("change_pct", Float, comment="of the total, since the previous period"),
    Column("compare_with", Text, comment="previous period of the change: previous_period, previous_year"),
    Column("goals_met", Integer, comment="goals that it meets"),
    Column("goals_missed", Integer, comment="goals that it does not meet"),
    Column("changes", JSON, comment="figures that differ from the version before, with both values"),
    Column("causes", JSON, comment="what the version differs by: configuration, data"),
    Column("files", JSON, nullable=False, comment="names of its files"),
    Column("data_version", Text, nullable=False),
    Column("made_at", _Instant, nullable=False, comment="when it was made, or last found to be the same"),
    Column("outdated_since", _Instant, comment="when its days were seen to have changed"),
    Column(
        "is_examined",
        Boolean,
        nullable=False,
        server_default=false(),
        comment="its days were compared by a search for outdated reports since it was made",
    ),
    comment="one row a version in the archive",
)

OUTDATED_SEARCHES = Table(
    "outdated_searches",
    METADATA,
    Column("workspace", Text, primary_key=True),
    Column("number", Integer, nullable=False, comment="of the search, from 1"),
    Column("reports", Text, nullable=False, comment="SHA-256 of what says which days they read"),
    Column("days", JSON, nullable=False, comment="digest of the data of each day"),
    comment="what the last search for outdated reports has seen of each workspace",
)

SKIPPED_REPORTS = Table(
    "skipped_reports",
    METADATA,
    *_key_columns(),
    Column("skipped_at", _Instant, nullable=False),
    Column("reason", Text, nullable=False),
    comment="reports left out because their days were not there by the deadline",
)

INCIDENTS = Table(
    "incidents",
    METADATA,
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
    Column("since", _Instant, nullable=False),
    Column("last_at", _Instant, nullable=False, comment="of the last occurrence"),
    Column("count", Integer, nullable=False, comment="occurrences"),
    Column("ended_at", _Instant, comment="none: it is open"),
    Column("ending", Text, nullable=False, comment="why it is over"),
    Column("mails", Integer, nullable=False, comment="that the operator was sent"),
    Column("mailed_at", _Instant, comment="when the last one was sent"),
    Column("due_at", _Instant, comment="when the next mail is due; none: there is nothing new"),
    Column("revision", Integer, nullable=False, comment="number of changes: a conditional update names it"),
    comment="the operator's alerts, one row a cause",
)


LAST_LOADS = Table(
    "last_loads",
    METADATA,
    Column("workspace", Text, primary_key=True),
    Column("loaded_at", _Instant, nullable=False),
    Column("loaded_until", _Instant, comment="of the newest loaded day"),
    Column("newest_event", _Instant, comment="when the newest stored event occurred"),
    comment="when each workspace was last loaded",
)

SUBSCRIPTIONS = Table(
    "subscriptions",
    METADATA,
    Column("workspace", Text, primary_key=True),
    Column("subscription", Text, primary_key=True),
    Column("report", Text, primary_key=True),
    Column("since", _Instant, nullable=False, comment="what came due before is not sent"),
    comment="when each report of a subscription was first asked for",
)

DELIVERIES = Table(
    "deliveries",
    METADATA,
    Column("id", Text, primary_key=True, comment="of the next six columns"),
    Column("workspace", Text, nullable=False),
    Column("subscription", Text, nullable=False),
    Column("report", Text, nullable=False),
    Column("report_date", Date, nullable=False),
    Column("version", Integer, nullable=False, comment="0 where the report was never made"),
    Column("recipient", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("planned_at", _Instant, nullable=False),
    Column("expires_at", _Instant, nullable=False),
    Column("changed_at", _Instant, nullable=False),
    Column("next_at", _Instant, comment="not before then is it tried again; none waits for nobody"),
    Column("content", Text, comment="SHA-256 of the bytes to send"),
    Column("content_without_files", Text, comment="the same for a server that takes no more"),
    Column("phase", Text, comment="of the attempt under way"),
    Column("attempts", Integer, nullable=False),
    Column(
        "unconfirmed_attempts",
        Integer,
        nullable=False,
        comment="attempts of which nobody knows whether they arrived",
    ),
    Index("deliveries_of_issue", "workspace", "subscription", "report", "report_date"),
    Index("deliveries_by_state", "state", "next_at"),
    comment="one row a version of a report and recipient",
)

EVALUATIONS = Table(
    "evaluations",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("workspace", Text, nullable=False),
    Column("subscription", Text, nullable=False),
    Column("report", Text, nullable=False),
    Column("report_date", Date, nullable=False),
    Column("version", Integer, nullable=False),
    Column("evaluated_at", _Instant, nullable=False),
    Column("position", Integer, nullable=False, comment="of the condition in `when`, from 0"),
    Column("condition", Text, nullable=False, comment="metric and thresholds"),
    Column("value", Float, comment="none: see reason"),
    Column("count", Integer, comment="what the value rests on"),
    Column("outcome", Text, nullable=False, comment="of the condition: met, not_met, not_evaluable"),
    Column("reason", Text, nullable=False, comment="why it is not evaluable"),
    Column("since", Date, comment="report date since which it is met, or had been met before"),
    Column("result", Text, nullable=False, comment="of all conditions together: met, not_met, not_evaluable"),
    Column("result_since", Date, comment="the same of all conditions together"),
    Column(
        "sent", Text, nullable=False, comment="alert, all_clear, report or correction; empty: see why_not"
    ),
    Column("why_not", Text, nullable=False),
    Index("evaluations_of_report", "workspace", "subscription", "report", "report_date"),
    comment="one row a condition of a subscription and version of a report",
)

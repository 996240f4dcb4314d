"""The figures of a report that conditions and goals name: the list of metrics, and their validation. No I/O.

Add a metric here, its value in `report/metrics.py`, and its name in `render/metrics.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from assets.config.base import ConfigModel

Threshold = Annotated[float, Field(allow_inf_nan=False)]


class Metric(StrEnum):
    """The figures that a condition or a goal can be about."""

    ASSIGNMENTS = "assignments"
    ASSIGNMENTS_PER_DAY = "assignments_per_day"
    SHARE_PCT = "share_pct"
    FIRST_ASSIGNMENTS = "first_assignments"
    REASSIGNMENTS = "reassignments"
    UNASSIGNMENTS = "unassignments"
    CONVERSATIONS = "conversations"
    CONTACTS = "contacts"
    REASSIGNMENT_RATE_PCT = "reassignment_rate_pct"
    BOUNCE_BACKS = "bounce_backs"
    RECEIVED = "received"
    HELD_NOW = "held_now"
    UNASSIGNED_NOW = "unassigned_now"
    OLDEST_UNASSIGNED_MINUTES = "oldest_unassigned_minutes"
    WAITING_MEDIAN_MINUTES = "waiting_median_minutes"
    WAITING_P90_MINUTES = "waiting_p90_minutes"
    WAITING_LONGEST_MINUTES = "waiting_longest_minutes"
    HOLDING_MEDIAN_MINUTES = "holding_median_minutes"
    HOLDING_P90_MINUTES = "holding_p90_minutes"
    HOLDING_LONGEST_MINUTES = "holding_longest_minutes"
    REJECTED_ROWS = "rejected_rows"
    REJECTED_PCT = "rejected_pct"
    INFERRED_ROWS = "inferred_rows"


class Unit(StrEnum):
    """The unit of a metric and of its thresholds."""

    COUNT = "count"
    PER_DAY = "per_day"
    PERCENT = "percent"
    MINUTES = "minutes"


class Narrowing(StrEnum):
    """Whether a metric takes a key that narrows it, such as `source`."""

    ALLOWED = "allowed"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class MetricKind:
    """The unit of a metric, what it can be narrowed to, and whether its previous value is known."""

    unit: Unit = Unit.COUNT
    source: Narrowing | None = None
    assignee: Narrowing | None = None
    has_previous: bool = False


_COUNT = MetricKind(has_previous=True)
_WAITING = MetricKind(Unit.MINUTES)
_HOLDING = MetricKind(Unit.MINUTES, assignee=Narrowing.ALLOWED)
METRICS: Mapping[Metric, MetricKind] = {
    Metric.ASSIGNMENTS: MetricKind(source=Narrowing.ALLOWED, has_previous=True),
    Metric.ASSIGNMENTS_PER_DAY: MetricKind(Unit.PER_DAY, has_previous=True),
    Metric.SHARE_PCT: MetricKind(Unit.PERCENT, source=Narrowing.REQUIRED, has_previous=True),
    Metric.FIRST_ASSIGNMENTS: _COUNT,
    Metric.REASSIGNMENTS: _COUNT,
    Metric.UNASSIGNMENTS: _COUNT,
    Metric.CONVERSATIONS: _COUNT,
    Metric.CONTACTS: _COUNT,
    Metric.REASSIGNMENT_RATE_PCT: MetricKind(Unit.PERCENT, has_previous=True),
    Metric.BOUNCE_BACKS: _COUNT,
    Metric.RECEIVED: MetricKind(assignee=Narrowing.REQUIRED),
    Metric.HELD_NOW: MetricKind(assignee=Narrowing.ALLOWED),
    Metric.UNASSIGNED_NOW: MetricKind(),
    Metric.OLDEST_UNASSIGNED_MINUTES: _WAITING,
    Metric.WAITING_MEDIAN_MINUTES: _WAITING,
    Metric.WAITING_P90_MINUTES: _WAITING,
    Metric.WAITING_LONGEST_MINUTES: _WAITING,
    Metric.HOLDING_MEDIAN_MINUTES: _HOLDING,
    Metric.HOLDING_P90_MINUTES: _HOLDING,
    Metric.HOLDING_LONGEST_MINUTES: _HOLDING,
    Metric.REJECTED_ROWS: MetricKind(),
    Metric.REJECTED_PCT: MetricKind(Unit.PERCENT),
    Metric.INFERRED_ROWS: MetricKind(),
}


class Measure(ConfigModel):
    """A metric of a report, of one source or assignee if it names one."""

    metric: Metric = Field(description="Name of the figure.")
    source: str | None = Field(default=None, description="Only this source: its code or label.")
    assignee: str | None = Field(default=None, description="Only this assignee: name or ID.")

    @property
    def kind(self) -> MetricKind:
        """Return the kind of the metric."""
        return METRICS[self.metric]

    @model_validator(mode="after")
    def _is_narrowed_as_its_metric_allows(self) -> Self:
        for key, value, narrowing in (
            ("source", self.source, self.kind.source),
            ("assignee", self.assignee, self.kind.assignee),
        ):
            if value is None and narrowing is Narrowing.REQUIRED:
                raise ValueError(f"`{self.metric}` requires `{key}`")
            if value is not None and narrowing is None:
                raise ValueError(f"`{self.metric}` cannot be narrowed to one {key}")
        return self


class Condition(Measure):
    """What a figure must be for a subscription to send: every threshold that is given holds."""

    above: Threshold | None = None
    below: Threshold | None = None
    change_pct_above: Threshold | None = Field(
        default=None, description="Change since the previous period, in percent."
    )
    change_pct_below: Threshold | None = None
    change_points_above: Threshold | None = Field(
        default=None, description="Change of a percentage since the previous period, in points."
    )
    change_points_below: Threshold | None = None
    min_count: int = Field(
        default=0, ge=0, description="Number that the figure must rest on; with fewer, nothing is sent."
    )

    def __str__(self) -> str:
        """Return the condition in one line, as it is configured."""
        given = self.model_dump(mode="json", exclude={"metric"}, exclude_defaults=True)
        texts = (f"{name} {str(value).removesuffix('.0')}" for name, value in given.items())
        return f"{self.metric}: {', '.join(texts)}"

    @property
    def is_about_change(self) -> bool:
        """Return whether a threshold is about the change since the previous period."""
        values = self.model_dump()
        return any(value is not None for name, value in values.items() if name.startswith("change_"))

    @model_validator(mode="after")
    def _has_thresholds_that_fit(self) -> Self:
        is_percent = self.kind.unit is Unit.PERCENT
        in_pct = (self.change_pct_above, self.change_pct_below) != (None, None)
        in_points = (self.change_points_above, self.change_points_below) != (None, None)
        if self.above is None and self.below is None and not in_pct and not in_points:
            raise ValueError("a threshold is required, such as `above`")
        if self.is_about_change and not self.kind.has_previous:
            raise ValueError(f"the previous value of `{self.metric}` is not known, so that it has no change")
        if in_pct and is_percent:
            raise ValueError(f"`{self.metric}` is a percentage; use `change_points_above` or `_below`")
        if in_points and not is_percent:
            raise ValueError(f"`{self.metric}` is no percentage; use `change_pct_above` or `_below`")
        return self


class Goal(Measure):
    """What a figure is to be: at most, at least, or between two values."""

    at_most: Threshold | None = None
    at_least: Threshold | None = None

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.at_most is None and self.at_least is None:
            raise ValueError("`at_most` or `at_least` is required")
        if self.at_most is not None and self.at_least is not None and self.at_most < self.at_least:
            raise ValueError("`at_most` must not be less than `at_least`")
        return self

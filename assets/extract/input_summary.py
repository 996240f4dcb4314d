"""Summary of each input of a load: rows read, accepted and rejected, its time range and its problems.

Counting only: `staging` and `classification` decide which rows are events. Add figures about one input here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from assets.config.workspace import Workspace
from assets.sources.base import Problem, Unreadable


@dataclass(slots=True)
class InputSummary:
    """The counts of one input: `row_count`, `event_count`, `future_count` and the times cover all its rows.

    The counts from `accepted` to `duplicates` cover the loaded days. *is_whole* is true where all rows of the
    input are read, whichever days are requested.
    """

    origin: str
    is_whole: bool = False
    row_count: int = 0
    event_count: int = 0
    future_count: int = 0
    accepted: int = 0
    no_change: int = 0
    duplicates: int = 0
    first_rejected: str = ""
    first_at: datetime | None = None
    last_at: datetime | None = None
    problems: list[Unreadable] = field(default_factory=list)

    @property
    def rejected(self) -> int:
        """Return the number of rows that are no events."""
        return self.row_count - self.event_count

    @property
    def may_pass(self) -> bool:
        """Return whether reading it again, unchanged, may give more."""
        return any(problem.may_pass for problem in self.problems)

    @property
    def other_days(self) -> int:
        """Return the number of events on days that were not loaded."""
        return self.event_count - self.accepted - self.no_change - self.duplicates

    def add(self, other: "InputSummary") -> None:
        """Add the counts of the same input for other days; a whole input's row counts are not added twice."""
        names = ("accepted", "no_change", "duplicates")
        for name in names if self.is_whole else (*names, "row_count", "event_count", "future_count"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.first_rejected = self.first_rejected or other.first_rejected
        self.widen(other.first_at, other.last_at)
        self.problems += [problem for problem in other.problems if problem not in self.problems]

    def widen(self, first: datetime | None, last: datetime | None) -> None:
        """Extend the time range to include *first* and *last*."""
        self.first_at = min(filter(None, (self.first_at, first)), default=None)
        self.last_at = max(filter(None, (self.last_at, last)), default=None)

    def conclude(self) -> None:
        """Add a problem where the input has rows, none of them is an event, and no problem is noted yet."""
        if self.row_count and not self.event_count and not self.problems:
            rows = count_text(self.row_count, "row")
            reason = f"{self.origin}: none of its {rows} is an event; {self.first_rejected}"
            self.problems.append(Unreadable(self.origin, reason, Problem.GAVE_NOTHING))


def input_lines(workspace: Workspace, inputs: Mapping[str, InputSummary]) -> Iterator[str]:
    """Yield for each input, sorted by name, a line with its counts and time range, and its problems."""
    for summary in (inputs[name] for name in sorted(inputs)):
        yield counts_line(workspace, summary)
        yield from (f"error: {problem.reason}" for problem in summary.problems)


def counts_line(workspace: Workspace, summary: InputSummary) -> str:
    """Return the counts of an input, its first rejected row, and its time range in the workspace's zone."""

    def local(instant: datetime) -> str:
        return f"{instant.astimezone(workspace.zone):%Y-%m-%d %H:%M}"

    counts = [
        f"{count_text(summary.row_count, 'row')} read",
        f"{summary.accepted:,} accepted",
        f"{summary.rejected:,} rejected",
    ]
    if summary.first_rejected:
        counts[-1] += f" (first: {summary.first_rejected})"
    others = {
        "duplicates": summary.duplicates,
        "unchanged": summary.no_change,
        "on other days": summary.other_days,
        "more than a day in the future": summary.future_count,
    }
    counts += [f"{count:,} {name}" for name, count in others.items() if count]
    span = (
        f"; {local(summary.first_at)} to {local(summary.last_at)}"
        if summary.first_at and summary.last_at
        else ""
    )
    return f"{summary.origin}: {', '.join(counts)}{span}"


def count_text(count: int, name: str) -> str:
    """Return a number with its noun: "1 row", "2,000 rows"."""
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def add_summary(summaries: dict[str, InputSummary], summary: InputSummary) -> None:
    """Add *summary* to *summaries*, merged with that of the same input."""
    if summary.origin in summaries:
        summaries[summary.origin].add(summary)
    else:
        summaries[summary.origin] = summary

"""What each input gave to a load: rows read, accepted and rejected, its time range, and its problem.

Counting only: which rows are events is decided in `staging` and `judging`. Add what people ask of one file.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from assets.config.workspace import Workspace
from assets.sources.base import Problem, Unreadable


@dataclass(slots=True)
class InputSummary:
    """One input. `row_count`, `event_count`, `future_count` and the times are those of all its rows.

    What became of rows (`accepted` to `duplicates`) is counted for the days that were loaded. *is_whole*
    where all its rows are read, whichever days are asked for.
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
        """The rows that are no events."""
        return self.row_count - self.event_count

    @property
    def other_days(self) -> int:
        """The events of days that were not loaded."""
        return self.event_count - self.accepted - self.no_change - self.duplicates

    def add(self, other: "InputSummary") -> None:
        """Take in what the same input gave for other days; one that is whole has the same rows again."""
        names = ("accepted", "no_change", "duplicates")
        for name in names if self.is_whole else (*names, "row_count", "event_count", "future_count"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.first_rejected = self.first_rejected or other.first_rejected
        self.widen(other.first_at, other.last_at)
        self.problems += [each for each in other.problems if each not in self.problems]

    def widen(self, first: datetime | None, last: datetime | None) -> None:
        """Take in that rows are from *first* to *last*."""
        self.first_at = min(filter(None, (self.first_at, first)), default=None)
        self.last_at = max(filter(None, (self.last_at, last)), default=None)

    def conclude(self) -> None:
        """Note that it gave nothing, where it has rows, none is an event, and that was not said yet."""
        if self.row_count and not self.event_count and not self.problems:
            rows = count_text(self.row_count, "row")
            reason = f"{self.origin}: none of its {rows} is an event; {self.first_rejected}"
            self.problems.append(Unreadable(self.origin, reason, Problem.GAVE_NOTHING))


def input_lines(workspace: Workspace, inputs: Mapping[str, InputSummary]) -> Iterator[str]:
    """Yield a line for each input that was read: its rows, what became of them, its times, its problems."""

    def local(instant: datetime) -> str:
        return f"{instant.astimezone(workspace.zone):%Y-%m-%d %H:%M}"

    for each in (inputs[name] for name in sorted(inputs)):
        counts = [
            f"{count_text(each.row_count, 'row')} read",
            f"{each.accepted:,} accepted",
            f"{each.rejected:,} rejected",
        ]
        if each.first_rejected:
            counts[-1] += f" (first: {each.first_rejected})"
        others = {
            "duplicates": each.duplicates,
            "without change": each.no_change,
            "of other days": each.other_days,
            "more than a day in the future": each.future_count,
        }
        counts += [f"{count:,} {name}" for name, count in others.items() if count]
        span = f"; {local(each.first_at)} to {local(each.last_at)}" if each.first_at and each.last_at else ""
        yield f"{each.origin}: {', '.join(counts)}{span}"
        yield from (f"error: {problem.reason}" for problem in each.problems)


def count_text(count: int, name: str) -> str:
    """Return a number with what it counts: "1 row", "2,000 rows"."""
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def add_summary(summaries: dict[str, InputSummary], one: InputSummary) -> None:
    """Put *one* into *summaries*, or add it to that of the same input."""
    if one.origin in summaries:
        summaries[one.origin].add(one)
    else:
        summaries[one.origin] = one

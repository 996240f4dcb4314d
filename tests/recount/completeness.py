"""What a report lacks, found again from the days that were loaded; see `oracle.py`, which this file extends.

A stalled source is left out: `tests/extract/test_source_stall.py` has its rule.
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from tests.recount.oracle import DAY, MIN_EVENTS, Log, exists, first_instant

MAX_REJECTED_PCT = 5


def days_between(log: Log, first: date, last: date) -> list[date]:
    days = (first + n * DAY for n in range((last - first).days + 1))
    return [day for day in days if exists(day, log.zone)]


def not_loaded(log: Log, days: list[date], until: datetime) -> list[date]:
    """Return those of *days* that began before *until* and are not loaded up to it, or to their end."""
    begun = (day for day in days if first_instant(day, log.zone) < until)
    ends = ((day, min(first_instant(day + DAY, log.zone), until)) for day in begun)
    return [day for day, end in ends if day not in log.loaded or log.loaded[day] < end]


def lacking_before(report: dict[str, Any], log: Log) -> list[date]:
    """Return the days before the period that openings lack; a filtered report has none."""
    first = date.fromisoformat(report["period"]["first_day"])
    if report["filters"]["source"]:
        return []
    days = days_between(log, min([log.first_day, *log.loaded]), first - DAY)
    return not_loaded(log, days, first_instant(first, log.zone))


def known_since(report: dict[str, Any], log: Log) -> date | None:
    """Return the first day from which every day up to the period is loaded, if the report has openings."""
    if report["filters"]["source"]:
        return None
    lacking = lacking_before(report, log)
    return lacking[-1] + DAY if lacking else min(log.loaded, default=None)


def recount_completeness(report: dict[str, Any], log: Log) -> Iterator[tuple[str, Any, Any]]:
    """Yield (figure, counted here, said by *report*) for what it knows, lacks, and notes."""
    as_of = datetime.fromisoformat(report["as_of"])
    first, last = (date.fromisoformat(report["period"][name]) for name in ("first_day", "last_day"))
    days = days_between(log, first, last)
    to_come = [day for day in days if first_instant(day, log.zone) >= as_of]
    missing = [*not_loaded(log, days, as_of), *to_come]
    since = known_since(report, log)
    yield "known_since", since and str(since), report["known_since"]
    yield "missing_days", [str(day) for day in missing], report["missing_days"]
    yield "is_loaded", [day not in missing for day in days], [each["is_loaded"] for each in report["by_day"]]
    qualities = [log.quality[day] for day in days if day in log.quality]
    rejected, read = (sum(getattr(each, name) for each in qualities) for name in ("rejected", "read"))
    reasons = [
        *(["days_missing"] if missing else []),
        *(["days_missing"] if lacking_before(report, log) else []),
    ]
    reasons += sorted({*log.faults_on(days)}, reverse=True)
    reasons += ["rejected_share"] if 100 * rejected > MAX_REJECTED_PCT * read else []
    said = [each["code"] for each in report["reasons"]]
    yield "reasons", reasons, [code for code in said if code != "source_stalled"]
    yield "provisional", bool(said), report["provisional"]
    if report["comparison"]:
        yield from _notes(report, log, is_whole=not not_loaded(log, days, as_of))


def _notes(report: dict[str, Any], log: Log, *, is_whole: bool) -> Iterator[tuple[str, Any, Any]]:
    said = report["comparison"]
    first, last = (date.fromisoformat(said[name]) for name in ("first_day", "last_day"))
    days, end = days_between(log, first, last), first_instant(last + DAY, log.zone)
    is_loaded = not not_loaded(log, days, datetime.fromisoformat(said["until"]) if said["until"] else end)
    yield "comparison.is_loaded", is_loaded, said["total"] is not None
    notes = [] if is_loaded else ["not_loaded"]
    if is_loaded:
        notes += [] if is_whole else ["not_whole"]
        notes += ["few"] if min(report["total"], said["total"] or 0) < MIN_EVENTS else []
    notes += ["lengths_differ"] if len(days) != len(report["by_day"]) else []
    yield "comparison.notes", notes, said["notes"]

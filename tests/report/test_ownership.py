"""Who held what, and for how long: against a replay minute by minute, and against SQL alone."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.config.presentation import Filters
from assets.config.workspace import ReportSpec
from assets.periods import Period, Preset, as_of
from assets.report.assignee_balances import count_balances
from assets.report.build import build_report
from assets.report.encoded_log import encode_log
from assets.report.model import Report
from assets.report.ownership import Intervals, count_ownership, micros_of
from assets.report.people_model import Ownership
from assets.report.steps import Steps, group_steps
from tests.conftest import LATER, Inbox, line
from tests.report.test_chains import START, log_of

MINUTE = 60_000_000
PEOPLE = st.sampled_from([None, "Ann", "Bob", "Cem"])
STEPS = st.lists(st.tuples(st.sampled_from("123"), PEOPLE, PEOPLE, st.integers(0, 5)), max_size=14)
REAL = sorted(Path(__file__).parents[3].glob("*/data/*.truth.json"))
Step = tuple[str, str | None, str | None, int]


def rows_of(steps: Sequence[Step], *, is_stated: bool = True) -> pa.Table:
    """Return log rows (conversation, previous, assignee, minutes after the one before)."""
    rows = log_of([step[:3] for step in steps], minutes=0)
    after = [sum(step[3] for step in steps[: at + 1]) for at in range(len(steps))]
    times = pa.array(
        [START + timedelta(minutes=each) for each in after] if steps else [], pa.timestamp("us", "UTC")
    )
    rows = rows.set_column(rows.column_names.index("occurred_at"), "occurred_at", times)
    quality = pa.array(["stated" if is_stated else "inferred"] * len(steps), pa.string())
    return rows.set_column(rows.column_names.index("previous_quality"), "previous_quality", quality)


def counted(
    before: Sequence[Step], during: Sequence[Step], *, is_stated: bool
) -> tuple[Steps, Intervals, Ownership]:
    """Return the ownership of a period of 60 minutes that begins after the steps *before*."""
    whole = rows_of([*before, *during], is_stated=is_stated)
    last = {step[0]: at for at, step in enumerate(before)}
    opening, rows = whole.take(pa.array(sorted(last.values()), pa.int64())), whole.slice(len(before))
    log = encode_log(rows, opening)
    steps = group_steps(opening, rows, log)
    start = micros_of(START) + sum(step[3] for step in before) * MINUTE
    intervals = Intervals.of(steps, start, start + 90 * MINUTE)
    day = date(2024, 3, 5)
    return steps, intervals, count_ownership(intervals, log, Period(day, day, ZoneInfo("UTC")))


@given(before=STEPS, during=STEPS, is_stated=st.booleans())
def test_a_replay_minute_by_minute_gives_the_same(
    before: list[Step],
    during: list[Step],
    is_stated: bool,  # noqa: FBT001 - a parameter
) -> None:
    steps, intervals, ownership = counted(before, during, is_stated=is_stated)
    start = sum(step[3] for step in before)
    owner: dict[str, str | None] = {step[0]: step[2] for step in before}
    unknown, not_yet = "?", "not yet"
    first_seen = dict.fromkeys(owner, True)
    for step in during:
        if first_seen.setdefault(step[0], False) is False and step[0] not in owner:
            owner[step[0]] = unknown if not is_stated else step[1] or not_yet
    events: dict[int, list[Step]] = defaultdict(list)
    at = start
    for step in during:
        at += step[3]
        events[at].append(step)
    held, most = Counter[str | None](), Counter[str | None]()
    for minute in range(start, start + 90):
        for step in events[minute]:
            owner[step[0]] = step[2]
        now = Counter(owner.values())
        held += now
        most |= now
    lines = {each.assignee: each for each in ownership.assignees}
    for name in ("Ann", "Bob", "Cem"):
        line = lines.get(name)
        assert (line.held_seconds if line else 0) == held[name] * 60
        assert (line.peak_load if line else 0) == most[name]
        assert (line.held_count if line else 0) == list(owner.values()).count(name)
    assert ownership.unassigned.held_seconds == held[None] * 60
    assert (ownership.unknown_seconds, ownership.not_yet_seconds) == (held[unknown] * 60, held[not_yet] * 60)
    assert sum(held.values()) * 60 == ownership.subject_count * 90 * 60
    closing = {each.assignee: each.closing for each in count_balances(steps)}
    assert {each.assignee: each.held_count for each in ownership.assignees if each.held_count} == {
        name: count for name, count in closing.items() if count
    }
    covered: dict[int, list[tuple[int, int]]] = defaultdict(list)
    subject = steps.is_first.cumsum()
    for at, code in enumerate(subject.tolist()):
        covered[code].append((max(int(intervals.since[at]), intervals.start), int(intervals.until[at])))
    late = [code for at, code in enumerate(subject.tolist()) if steps.is_first[at] and steps.is_event[at]]
    for at, code in enumerate(late):
        covered[code].append(
            (int(intervals.since[len(subject) + at]), int(intervals.until[len(subject) + at]))
        )
    for parts in covered.values():
        ends = [intervals.start, *(until for _, until in sorted(parts))]
        assert [since for since, _ in sorted(parts)] == ends[:-1], "no gap and no overlap"
        assert ends[-1] == intervals.end


def report_of(inbox: Inbox, report_date: date, preset: Preset = Preset.YESTERDAY, **spec: Any) -> Report:
    made = ReportSpec(name=preset.value, preset=preset, **spec)
    found = build_report(
        inbox.lake, inbox.workspace, made, report_date, as_of(report_date, LATER, inbox.workspace.zone)
    ).report
    assert found.is_reconciled
    return found


def test_only_what_ended_is_counted_as_ended_and_few_have_no_percentile(inbox: Inbox) -> None:
    inbox.zone = "UTC"
    times = ["09:00", "09:10", "09:30", "10:00", "11:00"]
    inbox.write(
        *(line(f"a{at}", f"2024-03-05T{time}:00Z", contact_id=f"k{at}") for at, time in enumerate(times)),
        *(
            line(f"b{at}", "2024-03-05T12:00:00Z", contact_id=f"k{at}", previous_assignee="Bob", assignee="")
            for at in range(4)
        ),
        line("c0", "2024-03-05T12:45:00Z", contact_id="k0", previous_assignee="", assignee="Eve"),
    )
    inbox.load()
    inbox.build()
    found = report_of(inbox, date(2024, 3, 6)).ownership
    assert found
    eve, bob = sorted(found.assignees, key=lambda each: each.ended_count)
    assert (bob.ended_count, bob.median_seconds, bob.longest_seconds, bob.held_count) == (
        4,
        None,
        3 * 3600,
        1,
    )
    assert bob.held_age.longest_seconds == 13 * 3600
    assert (eve.ended_count, eve.longest_seconds, eve.held_count) == (0, None, 1)
    assert (found.unassigned.ended_count, found.unassigned.longest_seconds) == (1, 45 * 60)
    assert (found.unassigned.held_count, found.unknown_seconds) == (3, 0)
    inbox.write(
        line("d", "2024-03-05T15:00:00Z", contact_id="k4", previous_assignee="Bob", assignee="Eve"),
        name="d.csv",
    )
    inbox.load()
    inbox.build()
    again = report_of(inbox, date(2024, 3, 6)).ownership
    assert again
    (bob,) = (each for each in again.assignees if each.assignee == "Bob")
    assert (bob.ended_count, bob.median_seconds, bob.p90_seconds) == (5, 10_200.0, 12_960.0)


def test_working_time_stands_beside_clock_time(inbox: Inbox) -> None:
    inbox.zone = "UTC"
    inbox.options = {
        "working_hours": {"monday-friday": ["09:00-12:00", "13:00-17:00"]},
        "holidays": [date(2024, 3, 7)],
    }
    inbox.write(
        line("e1", "2024-03-05T16:00:00Z"),
        line("e2", "2024-03-08T10:30:00Z", previous_assignee="Bob", assignee=""),
        line("e3", "2024-03-08T18:00:00Z", assignee="Eve"),
    )
    inbox.load(date(2024, 3, 5), date(2024, 3, 9))
    inbox.build(date(2024, 3, 5), date(2024, 3, 9))
    found = report_of(inbox, date(2024, 3, 9)).ownership
    assert found
    assert found.holding.working
    assert found.unassigned.working
    assert (found.holding.longest_seconds, found.holding.working.longest_seconds) == (66.5 * 3600, 9.5 * 3600)
    assert (found.unassigned.longest_seconds, found.unassigned.working.longest_seconds) == (
        7.5 * 3600,
        5.5 * 3600,
    )


def test_a_filter_takes_ownership_away(inbox: Inbox) -> None:
    inbox.write(line("e1", "2024-03-05T15:00:00Z"))
    inbox.load()
    inbox.build()
    found = report_of(inbox, date(2024, 3, 6), filters=Filters(source=("workflow",)))
    assert (found.ownership, found.people, found.components.ownership) == (None, (), "not_applicable")


OWNERS = """
WITH event AS (
  SELECT rowid AS row, coalesce(nullif(contact_id, ''), 'conversation ' || conversation_id) AS subject, assignee,
    CAST(strftime('%s', occurred_at) AS INTEGER) * 1000 + CAST(substr(strftime('%f', occurred_at), 4) AS INTEGER) AS at
  FROM log
), held AS (
  SELECT assignee AS owner, at AS since, lead(at) OVER next AS until, lead(assignee) OVER next AS taker
  FROM event WINDOW next AS (PARTITION BY subject ORDER BY at, row)
), ended AS (
  SELECT owner, until - since AS length, row_number() OVER (PARTITION BY owner ORDER BY until - since) AS place,
    count(*) OVER (PARTITION BY owner) AS size
  FROM held WHERE until IS NOT NULL AND (owner <> '' OR taker <> '')
)
SELECT owner, max(size), sum(length), avg(length) FILTER (WHERE place IN ((size + 1) / 2, (size + 2) / 2))
FROM ended GROUP BY owner
"""


def owners_by_sql(lines: Sequence[str]) -> dict[str, tuple[int, float, float]]:
    """Return the number of ended intervals, their sum and median in seconds, of each owner, '' is nobody."""
    names, *rows = (line.split(",") for line in lines)
    with sqlite3.connect(":memory:") as database:
        database.execute(f"CREATE TABLE log ({', '.join(names)})")
        database.executemany(f"INSERT INTO log VALUES ({', '.join('?' * len(names))})", rows)
        found = database.execute(OWNERS).fetchall()
    database.close()
    return {owner: (count, total / 1000, median / 1000) for owner, count, total, median in found}


def check_by_sql(inbox: Inbox, lines: Sequence[str]) -> None:
    days = sorted({row.split(",")[1][:10] for row in lines[1:]})
    first, last = date.fromisoformat(days[0]) - timedelta(1), date.fromisoformat(days[-1]) + timedelta(1)
    inbox.first_day = first
    inbox.load(first, last)
    inbox.build(first, last)
    spec = ReportSpec(name="all", first_day=first, last_day=last)
    built = build_report(
        inbox.lake,
        inbox.workspace,
        spec,
        last + timedelta(1),
        as_of(last + timedelta(1), LATER, inbox.workspace.zone),
    )
    ownership = built.report.ownership
    assert ownership
    assert built.report.is_reconciled
    said = {each.assignee: each for each in ownership.assignees} | {"": ownership.unassigned}
    for owner, (count, total, median) in owners_by_sql(lines).items():
        assert said[owner].ended_count == count, owner
        assert said[owner].total_seconds == pytest.approx(total, abs=0.002), owner
        if count >= 5:
            assert said[owner].median_seconds == pytest.approx(median, abs=0.002), owner


def test_sql_alone_gives_the_same_sums_and_medians(inbox: Inbox) -> None:
    names = ["", "Ann", "Bob", "Cem"]
    rows = [
        line(
            f"e{at}",
            f"2024-03-{5 + at // 60:02}T{at % 24:02}:{at * 7 % 60:02}:00Z",
            contact_id=f"k{at % 7}",
            previous_assignee=names[at // 7 % 4],
            assignee=names[(at // 7 + 1 + at % 3) % 4],
        )
        for at in range(240)
    ]
    inbox.write(*rows)
    check_by_sql(inbox, (inbox.folder / "events/events.csv").read_text().splitlines())


@pytest.mark.parametrize("truth", REAL, ids=lambda path: path.name.partition(".")[0])
def test_sql_alone_gives_the_same_of_real_logs(inbox: Inbox, truth: Path) -> None:
    source = truth.with_name(truth.name.replace(".truth.json", ".csv"))
    (inbox.folder / "events").mkdir()
    (inbox.folder / "events/log.csv").symlink_to(source)
    check_by_sql(inbox, source.read_text(encoding="utf-8").splitlines())

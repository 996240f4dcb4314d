"""Generated CSV files of any dialect, whole or damaged: each row is explained, or its loss is reported."""

import csv
import io
from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.config.workspace import ReportSpec
from assets.periods import as_of
from assets.report.build import build_report
from assets.report.model import Report
from tests.conftest import DAY, HEADER, LATER, Inbox

NAMES = st.text(
    st.characters(
        codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co"), exclude_characters="\u2028\u2029"
    ),
    max_size=8,
)
ROWS = st.lists(
    st.tuples(NAMES, st.sampled_from(["", "Bob", "Eve"]), st.sampled_from(["", "Bob", "Eve"])),
    min_size=1,
    max_size=40,
)
DIALECTS = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from(",;\t|"),
        "lineterminator": st.sampled_from(["\n", "\r\n", "\r"]),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    }
)
Damage = Callable[[str, int], str]
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])


def written(rows: list[tuple[str, str, str]], dialect: dict[str, object]) -> str:
    file = io.StringIO(newline="")
    writer = csv.writer(file, **dialect)  # type: ignore[arg-type]
    writer.writerow(HEADER.split(","))
    for number, (name, previous, assignee) in enumerate(rows):
        at = f"2024-03-05T{10 + number % 12}:{number:02}:00Z"
        writer.writerow([f"e{number}", at, f"c{number}", f"k{number}", name, previous, assignee, "user", ""])
    return file.getvalue()


def reported(inbox: Inbox) -> Report:
    loaded = inbox.load()
    assert loaded.is_reconciled
    for summary in loaded.inputs.values():
        assert summary.row_count == summary.event_count + summary.rejected
        assert (
            summary.event_count
            == summary.accepted + summary.no_change + summary.duplicates + summary.other_days
        )
    inbox.build()
    spec = ReportSpec(name="mine", first_day=DAY, last_day=DAY, components=("quality",), formats=("csv",))
    day = date(2024, 3, 6)
    return build_report(
        inbox.lake, inbox.workspace, spec, day, as_of(day, LATER, inbox.workspace.zone)
    ).report


@given(rows=ROWS, dialect=DIALECTS, encoding=ENCODINGS)
@settings(max_examples=12)
def test_every_row_of_a_whole_file_is_counted(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, str]],
    dialect: dict[str, object],
    encoding: str,
) -> None:
    """`make test-system` gives more files to both of these tests."""
    check_whole_file(Inbox(tmp_path_factory.mktemp("inbox")), rows, dialect, encoding)


def check_whole_file(
    inbox: Inbox, rows: list[tuple[str, str, str]], dialect: dict[str, object], encoding: str
) -> None:
    """Fail where a row of the file is not counted."""
    inbox.write_bytes(written(rows, dialect).encode(encoding))
    report = reported(inbox)
    unchanged = sum(previous == assignee for _, previous, assignee in rows)
    assert (report.total, report.quality.no_change, report.quality.read) == (
        len(rows) - unchanged,
        unchanged,
        len(rows),
    )
    assert not report.provisional


def stray_quotes(text: str, at: int) -> str:
    """Begin a name with a quote in two rows, which then hold what is between."""
    lines = text.split("\n")
    for number in (1 + at % (len(lines) - 2), len(lines) - 2):
        cells = lines[number].split(",")
        cells[4] = '"' + cells[4].strip('"')
        lines[number] = ",".join(cells)
    return "\n".join(lines)


def cut(text: str, at: int) -> str:
    """Leave the end of the last row out."""
    last = text.rstrip("\n").rpartition("\n")[2]
    return text.rstrip("\n")[: -1 - at % (len(last) - 30)] if len(last) > 40 else text[:-20]


def more_cells(text: str, at: int) -> str:
    lines = text.split("\n")
    number = 1 + at % (len(lines) - 2)
    lines[number] += ",more"
    return "\n".join(lines)


def no_zone(text: str, _at: int) -> str:
    return text.replace(":00Z,", ":00,")


def other_encoding(text: str, _at: int) -> str:
    return text.replace(",user,", ",Büro,")


def other_year(text: str, _at: int) -> str:
    return text.replace("2024-", "2567-")


DAMAGES = (stray_quotes, cut, more_cells, no_zone, other_encoding, other_year)


NAMED = st.lists(st.sampled_from(["Ann", "Zoe", "Li"]), min_size=3, max_size=40)


@pytest.mark.parametrize("damage", DAMAGES)
@given(rows=NAMED, at=st.integers(0, 1000))
@settings(max_examples=3)
def test_what_a_damage_costs_is_told(
    tmp_path_factory: pytest.TempPathFactory, rows: list[str], damage: Damage, at: int
) -> None:
    check_damaged_file(Inbox(tmp_path_factory.mktemp("inbox")), rows, damage, at)


def check_damaged_file(inbox: Inbox, rows: list[str], damage: Damage, at: int) -> None:
    """Fail where rows of the file are lost without a word."""
    whole = written([(name, "", "Bob") for name in rows], {"lineterminator": "\n"})
    inbox.write_bytes(damage(whole, at).encode("latin-1"))
    report = reported(inbox)
    lost = len(rows) - report.total
    assert lost >= 0
    if lost:
        told = report.provisional or report.quality.rejected >= lost
        assert told, f"{lost} rows of {len(rows)} are missing without a word"
    if damage in {no_zone, other_encoding, other_year}:
        assert report.has_no_data

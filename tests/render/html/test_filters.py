"""The page's filters give the server's answers."""

import codecs
import json
import random
import unicodedata
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa
import pytest

from assets.archive.version_files import Draft
from assets.config.presentation import Filters
from assets.events import source_label
from assets.report.folding import fold_accents, fold_case
from assets.report.model import State
from tests.conftest import Inbox, line
from tests.render.opened_report import LAST_30_DAYS, NOW, REPORT_DATE, Acme, Open, Opened

NO_DATA = "The selected filter(s) have no applicable data"
NOT_APPLICABLE = "The selected filter(s) are not applicable here: "


def a_filter(rng: random.Random, rows: pa.Table) -> dict[str, list[str]]:
    """Return some values of some filters, most of them of one row, so that something is left."""
    row = rows.slice(rng.randrange(rows.num_rows), 1).to_pylist()[0]
    other = rows.slice(rng.randrange(rows.num_rows), 1).to_pylist()[0]
    name = row["contact_name"] or "x"
    at = rng.randrange(len(name))
    values = {
        "source": [row["source"], source_label(other["source"]).upper()],
        "assigned_to": [
            (row["assignee_name"] or "Unassigned").swapcase(),
            other["assignee_id"] or "unASSIGNED",
        ],
        "team": [rng.choice(["sales", "SUPPORT"]), "no team"],
        "assigned_by": [row["assigned_by_id"] or "u3", (other["assigned_by_name"] or "Maya Chen").upper()],
        "contact": [
            rng.choice([name[at : at + 3], name[at : at + 2].swapcase(), row["contact_id"] or name, "é", "α"])
        ],
        "conversation": [row["conversation_id"] or "x-7", other["conversation_id"] or "none"],
    }
    chosen = rng.sample(sorted(values), k=rng.choice((1, 1, 2, 2, 3)))
    return {
        key: list(dict.fromkeys(rng.sample(values[key], k=rng.randint(1, len(values[key])))))
        for key in chosen
    }


def exported(opened: Opened) -> bytes:
    with opened.page.expect_download() as download:
        opened.page.get_by_role("button", name="Export CSV").click()
    return download.value.path().read_bytes()


def shown(opened: Opened) -> tuple[str, list[list[str]], list[list[str]]]:
    sources = [[label, count, share] for label, _, count, share, *_ in opened.cells(".by-source")]
    days = [[day, count] for day, count, *_ in opened.cells("#trend details")]
    return opened.text(".keys strong"), sources, days


def expected(draft: Draft) -> tuple[str, list[list[str]], list[list[str]]]:
    report = draft.report
    sources = [[each.label, f"{each.count:,}", f"{each.share_pct:.1f}%"] for each in report.by_source]
    days = [
        [f"{each.day:%a, %b} {each.day.day}, {each.day.year}", f"{each.count:,}"] for each in report.by_day
    ]
    return f"{report.total:,}", sources, days


@pytest.fixture
def filter_count() -> int:
    """The number of random filters; `make test-system` takes more."""
    return 8


def test_random_filters_give_what_the_server_counts(acme: Acme, open_page: Open, filter_count: int) -> None:
    """The page of a report; that of the explorer has more choices."""
    whole = acme.draft()
    opened = open_page(whole)
    rows = acme.inbox.lake.query(_all_rows())
    rng = random.Random(20261122)
    answers = []
    for _ in range(filter_count):
        filters = a_filter(rng, rows)
        first, last = sorted(LAST_30_DAYS[0] + timedelta(rng.randrange(30)) for _ in range(2))
        draft = acme.draft(first_day=first, last_day=last, filters=filters)
        opened.at(urlencode({"from": first, "to": last, "every": "day"} | filters, doseq=True))
        total = draft.report.total
        answers.append(total)
        if total:
            assert shown(opened) == expected(draft), (filters, first, last)
            assert exported(opened) == draft.tables["log.csv"], (filters, first, last)
        else:
            assert draft.report.components.log is State.NO_DATA
            assert opened.text("#metric .body") == opened.text("#log .body") == NO_DATA, (
                filters,
                first,
                last,
            )
    assert sum(answer > 0 for answer in answers) > 0.3 * filter_count, "many of the filters leave something"


def _all_rows() -> Any:
    from sqlalchemy import select  # noqa: PLC0415 - one place

    from assets.warehouse.schema import ASSIGNMENT_LOG  # noqa: PLC0415

    log = ASSIGNMENT_LOG.c
    return (
        select(ASSIGNMENT_LOG)
        .where(log.local_day.between(*LAST_30_DAYS))
        .order_by(log.occurred_at, log.event_id)
    )


CHANGED = ["00123", "1234567890123456", "12e5", "3-4", "1.10", "=1+1", "\u200b=1"]
UNCHANGED = ["123456789012345", "0", "12e", "007x", "\u200b7"]


@pytest.mark.parametrize("has_bom", [True, False])
def test_an_exported_file_protects_the_same_cells_and_follows_csv_bom(
    inbox: Inbox, open_page: Open, *, has_bom: bool
) -> None:
    cells = CHANGED + UNCHANGED
    inbox.write(
        *(
            line(
                f"e{n}",
                f"2026-11-17T{n:02d}:00:00Z",
                conversation_id=cell,
                contact_id=cell,
                contact_name=cell,
                assignee=cell,
            )
            for n, cell in enumerate(cells)
        )
    )
    inbox.load(date(2026, 11, 16), REPORT_DATE, NOW)
    inbox.build(date(2026, 11, 16), REPORT_DATE)
    draft = Acme(inbox).draft(name="seven", preset="last_7_days", csv_bom=has_bom)
    log = draft.tables["log.csv"]
    assert log.startswith(codecs.BOM_UTF8) is has_bom
    for cell in CHANGED:
        assert f'"\u200b{cell}","\u200b{cell}","\u200b{cell}"'.encode() in log, cell
    for cell in UNCHANGED:
        assert f'"{cell}","{cell}","{cell}"'.encode() in log, cell
    opened = open_page(draft, "team=Sales")
    assert exported(opened) == log, "without teams there is no filter by team"
    assert "team" not in filters_of(opened)


def filters_of(opened: Opened) -> list[str]:
    found: list[str] = opened.page.locator("#field option").evaluate_all("all => all.map(each => each.value)")
    return found


def test_a_team_is_picked_by_its_name(acme: Acme, open_page: Open) -> None:
    opened = open_page(acme.draft())
    assert "team" in filters_of(opened)
    opened.page.locator("#add").click()
    opened.page.locator("#field").select_option("team")
    opened.page.get_by_label("No team").check()
    counted = acme.draft(filters=Filters(team=("no team",))).report
    assert counted.total
    assert opened.text(".keys strong") == f"{counted.total:,}"
    assert opened.page.url.endswith("#team=No+team")


def test_without_filters_the_page_says_what_the_report_says(acme: Acme, open_page: Open) -> None:
    draft = acme.draft()
    opened = open_page(draft)
    assert shown(opened) == expected(draft)
    assert exported(opened) == draft.tables["log.csv"]
    static = open_page(draft, has_script=False)
    for table in ("#heat_map", "#hand_offs", "#chains", ".by-source"):
        static_cells = [[cell.strip() for cell in row] for row in static.cells(table)]
        assert opened.cells(table) == static_cells, table


def test_page_and_server_fold_all_of_unicode_alike(acme: Acme, open_page: Open) -> None:
    """Every character that Python 3.11 knows, alone and among others, and names as people write them."""
    letters = [
        chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) not in {"Cs", "Cn", "Co"}
    ]
    rng = random.Random(7)
    words = ["".join(rng.choices(letters, k=4)) for _ in range(20_000)]
    names = [
        "ΟΔΟΣ",
        "οδος",
        "İSTANBUL",
        "ıstanbul",
        "Istanbul",
        "Straße",
        "STRASSE",
        "JOSÉ",
        "Jose\u0301",
        "i\u0307",
        "ǅ",
        "ﬁ",
    ]
    texts = [*letters, *words, *names]
    given = json.dumps(texts)
    page = open_page(acme.draft()).page
    for name, fold in (("foldCase", fold_case), ("foldAccents", fold_accents)):
        found = json.loads(page.evaluate(f"text => JSON.stringify(JSON.parse(text).map({name}))", given))
        different = [
            (text, ours, theirs)
            for text, ours, theirs in zip(texts, map(fold, texts), found, strict=True)
            if ours != theirs
        ]
        assert different == [], name
    assert len({fold_case(each) for each in names[:2]}) == len({fold_case(each) for each in names[2:5]}) == 1
    assert (
        len({fold_case(each) for each in names[5:7]}) == len({fold_accents(each) for each in names[7:9]}) == 1
    )


def test_a_name_is_found_in_any_case_of_any_script(acme: Acme, open_page: Open) -> None:
    opened = open_page(acme.draft())
    for part in (
        "ipek",
        "İPEK",
        "αγγ",
        "ΑΓΓ",
        "strasse ß",
        "ÉLODIE",
        "elodie",
        "ipek αγγελοσ",
        "100%_",
        '"C"',
    ):
        opened.at(urlencode({"contact": part}))
        filtered = acme.draft(filters=Filters(contact=(part,)))
        found = opened.cells("#log") if filtered.report.total else []
        assert len(found) == min(50, filtered.report.total), part


def test_a_filter_sets_aside_what_cannot_follow_and_clearing_brings_it_back(
    acme: Acme, open_page: Open
) -> None:
    opened = open_page(acme.draft(), "source=user")
    line = opened.text("#set-aside")
    assert line == (
        f"{NOT_APPLICABLE}Most reassigned conversations, Contacts by assignee, Holding and waiting times, "
        "People, Reconciliation, Data quality."
    )
    for component in ("chains", "assignees", "proof", "quality"):
        assert not opened.page.locator(f"#{component}").is_visible()
    assert "Bounce-backs\n-" in opened.page.locator(".keys").inner_text(), "it cannot be counted"
    opened.page.get_by_role("button", name="Clear all").click()
    assert opened.page.locator("#set-aside").is_hidden()
    assert opened.page.locator("#assignees > .body").is_visible()
    assert "#" not in opened.page.url


def test_a_name_of_earlier_days_finds_the_person(inbox: Inbox, open_page: Open) -> None:
    header = "event_id,occurred_at,contact_id,assignee_id,assignee,source"
    inbox.write(
        "e1,2026-09-20T10:00:00Z,k1,7,Bob,user",
        "e2,2026-11-17T10:00:00Z,k2,7,Robert,user",
        "e3,2026-11-17T11:00:00Z,k3,8,Eve,user",
        "e4,2026-11-18T11:00:00Z,k4,7,Rob,user",  # later than the period
        header=header,
    )
    inbox.load(date(2026, 9, 20), REPORT_DATE, NOW)
    inbox.build(date(2026, 9, 20), REPORT_DATE)
    own = Acme(inbox)
    opened = open_page(own.draft(name="seven", preset="last_7_days"))
    for name, total in (("bob", 1), ("Robert", 1), ("7", 1), ("Eve", 1), ("Rob", 0)):
        opened.at(urlencode({"assigned_to": name}))
        assert opened.text(".keys strong" if total else "#metric .body") == (f"{total}" if total else NO_DATA)
    filters = Filters(assigned_to=("bob",))
    assert own.draft(name="seven", preset="last_7_days", filters=filters).report.total == 1


def test_equal_names_are_told_apart_in_the_log_but_not_in_its_csv(inbox: Inbox, open_page: Open) -> None:
    inbox.write(
        "e1,2026-11-17T10:00:00Z,k1,,,7,Bob,user,8,Bob",
        "e2,2026-11-17T11:00:00Z,k1,7,Bob,8,Bob,user,,",
        "e3,2026-11-17T12:00:00Z,k2,,,9,Eve,user,9,Eve",
        header="event_id,occurred_at,contact_id,previous_assignee_id,previous_assignee,assignee_id,assignee,source,"
        "assigned_by_id,assigned_by",
    )
    inbox.load(date(2026, 11, 16), REPORT_DATE, NOW)
    inbox.build(date(2026, 11, 16), REPORT_DATE)
    draft = Acme(inbox).draft(name="seven", preset="last_7_days")
    people = [("-", "Eve", "Eve"), ("Bob (7)", "Bob (8)", "-"), ("-", "Bob (7)", "Bob (8)")]
    for has_script in (True, False):
        opened = open_page(draft, has_script=has_script)
        cells = [[cell.strip() for cell in row] for row in opened.cells("#log")]
        assert [(row[4], row[5], row[7]) for row in cells] == people
        if has_script:
            assert exported(opened) == draft.tables["log.csv"]
    printed = draft.printed.select(["Previous Assignee", "Assigned To", "Assigned By"]).to_pylist()
    assert [tuple(row.values()) for row in reversed(printed)] == people
    assert b'"Bob","Bob","User","-"' in draft.tables["log.csv"]


def test_a_wrong_fragment_is_no_filter(acme: Acme, open_page: Open) -> None:
    whole = acme.draft().report
    opened = open_page(acme.draft(), "from=1999-01-01&to=nonsense&every=never&sauce=1")
    assert opened.text(".keys strong") == f"{whole.total:,}"
    opened.at("from=2026-11-10&to=2026-11-03")
    assert (
        opened.page.locator("#from").input_value() == opened.page.locator("#to").input_value() == "2026-11-10"
    )

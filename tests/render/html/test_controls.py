"""Every control of the page, by mouse and by keyboard."""

import re
from datetime import UTC, date, datetime
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import expect

from assets.archive.publish import draft_report
from assets.config.workspace import ReportSpec
from assets.report.model import Rule
from tests.conftest import Inbox, line
from tests.render.opened_report import LAST_30_DAYS, Acme, Open, Opened


def state(opened: Opened) -> dict[str, list[str]]:
    opened.settle()
    return parse_qs(urlsplit(opened.page.url).fragment)


def total(opened: Opened) -> int:
    return int(opened.text(".keys strong").replace(",", ""))


def choose(opened: Opened, field: str, text: str, *labels: str) -> None:
    """Add filter values as a reader would: open the picker, search, tick."""
    page = opened.page
    if page.locator("#picker").is_hidden():
        page.get_by_role("button", name="+ Add filter").click()
    page.locator("#field").select_option(label=field)
    page.locator("#search").fill(text)
    for label in labels:
        page.locator("#picker label").filter(has_text=label).first.locator("input").check()


def test_filters_are_added_shown_as_chips_and_removed(acme: Acme, open_page: Open) -> None:
    report = acme.draft().report
    counts = {each.label: each.count for each in report.by_source}
    opened = open_page(acme.draft())
    choose(opened, "Source", "", "Workflow", "Bot")
    assert total(opened) == counts["Workflow"] + counts["Bot"]
    assert state(opened) == {"source": ["workflow", "bot"]}
    choose(opened, "Assigned To", "nora", "Nora Lund")
    assert state(opened)["assigned_to"] == ["u9"]
    chips = opened.page.locator(".filter-chip")
    assert chips.all_inner_texts() == ["Source: Workflow\n×", "Source: Bot\n×", "Assigned To: Nora Lund\n×"]
    opened.page.get_by_role("button", name="Remove Assigned To: Nora Lund").click()
    assert total(opened) == counts["Workflow"] + counts["Bot"]
    opened.page.get_by_role("button", name="Clear all").click()
    assert total(opened) == report.total
    assert chips.count() == 0


def test_every_filter_can_be_chosen(acme: Acme, open_page: Open) -> None:
    opened = open_page(acme.draft())
    for field, text, label, key, value in (
        ("Assigned To", "", "Unassigned", "assigned_to", "Unassigned"),
        ("Assigned By User", "maya", "Maya Chen", "assigned_by", "u0"),
        ("Contact", "ipek", "Name contains", "contact", "ipek"),
        ("Contact", "k4", "k4", "contact", "k4"),
        ("Conversation ID", "x-8", "x-8", "conversation", "x-8"),
    ):
        opened.at("")
        choose(opened, field, text, label)
        assert state(opened) == {key: [value]}, field
    choose(opened, "Contact", "nobody is called so")
    opened.page.locator("#field").select_option(label="Conversation ID")
    opened.page.locator("#search").fill("nothing like it")
    assert opened.page.get_by_text("No matches.").is_visible()


def test_dates_and_presets_cut_the_period(acme: Acme, open_page: Open) -> None:
    opened = open_page(acme.draft())
    page = opened.page
    labels = page.locator("#dates option").all_inner_texts()
    assert labels == ["Last 30 Days", "Yesterday", "Last Week", "Last 7 Days", "Last 14 Days", "Custom range"]
    page.locator("#dates").select_option(label="Last 7 Days")
    assert state(opened) == {"preset": ["last_7_days"], "from": ["2026-11-11"]}, (
        "the last day is the whole period's"
    )
    assert total(opened) == acme.draft(first_day="2026-11-11", last_day="2026-11-17").report.total
    page.locator("#from").fill("2026-11-01")
    page.locator("#to").fill("2026-11-01")
    assert page.locator("#dates").input_value() == "custom"
    assert len(opened.cells("#trend details")) == 25, "the day on which New York's clocks go back"
    page.locator("#dates").select_option(label="Last 30 Days")
    assert total(opened) == acme.draft().report.total


def test_the_trend_follows_the_frequency(acme: Acme, open_page: Open) -> None:
    opened = open_page(acme.draft())
    for every, bars in (("Day", 30), ("Week", 5), ("Month", 2)):
        opened.page.locator("#every").select_option(label=every)
        rows = opened.cells("#trend details")
        assert len(rows) == opened.page.locator("#trend .mark").count() == bars
        assert sum(int(cells[1].replace(",", "")) for cells in rows) == total(opened)
    assert opened.page.locator("#every option[value=hour]").is_disabled()


def test_hours_that_have_not_begun_are_not_nought(acme: Acme, open_page: Open) -> None:
    day, now = LAST_30_DAYS[1], datetime(2026, 11, 17, 18, 30, tzinfo=UTC)
    today = ReportSpec(name="today", preset="today", formats=["html", "csv"])
    opened = open_page(draft_report(acme.inbox.lake, acme.inbox.workspace, today, day, now))
    counts = [cells[1] for cells in opened.cells("#trend details")]
    assert counts[14:] == ["not loaded"] * 10, "it is half past one in New York: 13:00 has begun"
    assert sum(map(int, counts[:14])) == total(opened)


def test_a_click_on_a_bar_a_slice_or_a_day_filters_by_it(acme: Acme, open_page: Open) -> None:
    opened = open_page(acme.draft())
    page = opened.page
    page.locator("#bar_chart tbody button").first.click()
    assert state(opened) == {"source": ["user"]}
    page.locator("#bar_chart tbody button").first.click()
    assert state(opened) == {}
    page.locator("#pie_chart path.mark").nth(1).dispatch_event("click")
    assert list(state(opened)) == ["source"]
    page.go_back()
    page.locator("#trend .mark").nth(3).click()
    assert state(opened) == {"from": ["2026-10-22"], "to": ["2026-10-22"]}
    page.go_back()
    assert total(opened) == acme.draft().report.total


def test_marks_and_picker_work_by_keyboard(acme: Acme, open_page: Open) -> None:
    opened = open_page(acme.draft())
    page = opened.page
    page.locator("#bar_chart tbody button").first.press("Enter")
    assert state(opened) == {"source": ["user"]}
    expect(page.locator("#bar_chart tbody button").first).to_be_focused()
    page.locator("#add").press("Enter")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert state(opened) == {}, "the first choice, User, was ticked"
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert state(opened) == {"source": ["workflow"]}
    page.keyboard.press("Escape")
    expect(page.locator("#add")).to_be_focused()
    assert page.locator("#picker").is_hidden()


def test_the_log_sorts_by_every_column_and_pages(acme: Acme, open_page: Open) -> None:
    opened = open_page(acme.draft())
    page = opened.page
    last_page = -(-acme.draft().report.total // 50)
    for number, name in enumerate(page.locator("table.log thead button").all_inner_texts()):
        heading = page.locator("table.log thead th").nth(number)
        for _ in range(2):
            heading.get_by_role("button").click()
            order = heading.get_attribute("aria-sort")
            shown = [row[number] for row in opened.cells("table.log")]
            page.get_by_role("button", name="Last page").click()
            last = opened.cells("table.log")[-1][number]
            low, high = (shown[0], last) if order == "ascending" else (last, shown[0])
            assert page.evaluate(
                "([a, b]) => new Intl.Collator('en', {numeric: true}).compare(a, b) <= 0", [low, high]
            ), name
    page.locator("table.log thead button").first.click()
    assert page.locator(".tools .status").inner_text().startswith("Rows 1–50 of")
    page.get_by_role("button", name="Next page").click()
    page.set_viewport_size({"width": 1000, "height": 900})
    assert page.locator(".tools .status").inner_text().startswith("Rows 51–100 of")
    page.get_by_role("button", name="Previous page").click()
    assert page.get_by_role("button", name="First page").is_disabled()
    page.get_by_label("Rows per page").select_option("500")
    assert len(opened.cells("table.log")) == 500
    assert last_page > 10


def test_columns_are_hidden_and_stay_out_of_the_export(acme: Acme, open_page: Open) -> None:
    opened = open_page(acme.draft())
    page = opened.page
    page.get_by_text("Columns", exact=True).click()
    page.get_by_role("checkbox", name="Contact Name").uncheck()
    assert "Contact Name" not in page.locator("table.log thead").inner_text()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export CSV").click()
    assert download.value.suggested_filename == "acme_last_30_days_2026-11-18.csv"
    header = download.value.path().read_text(encoding="utf-8").splitlines()[0]
    assert (
        header
        == '\ufeff"Timestamp","Conversation ID","Contact ID","Previous Assignee","Assigned To","Source","Assigned By"'
    )


def test_a_row_is_copied_and_its_chain_opened(acme: Acme, open_page: Open) -> None:
    opened = open_page(acme.draft(), permissions=["clipboard-read", "clipboard-write"])
    page = opened.page
    row = page.locator("table.log tbody tr").first
    conversation = opened.cells("table.log")[0][1]
    row.get_by_role("button", name="Copy").click()
    expect(row.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.split("\t")[1] == conversation
    row.get_by_role("button", name="View conversation").click()
    assert state(opened) == {"conversation": [conversation]}
    assert {cells[1] for cells in opened.cells("table.log")} == {conversation}


def test_findings_and_chains_lead_to_their_rows(acme: Acme, open_page: Open) -> None:
    draft = acme.draft()
    opened = open_page(draft)
    page = opened.page
    texts = page.locator("#findings a").all_inner_texts()
    assert len(texts) == len(draft.report.findings) > 4
    for number, finding in enumerate(draft.report.findings):
        if "=" not in finding.fragment:
            continue
        opened.at("")
        page.locator("#findings a").nth(number).click()
        assigned = [cells for cells in opened.cells("table.log") if cells[5] != "Unassigned"]
        rows = len(assigned) if finding.rule is Rule.BOUNCED else total(opened)
        assert rows == finding.facts["count"], texts[number]
        expect(page.locator("#log")).to_be_in_viewport()
    opened.at("")
    most = draft.report.chains.most_assigned[0] if draft.report.chains else None
    assert most
    page.locator("#chains a").first.click()
    assert sum(cells[5] != "Unassigned" for cells in opened.cells("table.log")) == most.count


def test_without_script_the_page_is_whole_and_says_where_the_rest_is(acme: Acme, open_page: Open) -> None:
    report = acme.draft().report
    opened = open_page(acme.draft(), has_script=False)
    assert opened.page.locator("#filters").is_hidden()
    assert len(opened.cells("table.log")) == 40
    said = re.sub(r"\s+", " ", opened.text("#log .body"))
    assert (
        f"The latest 40 of {report.total:,} rows. Download full log: log.csv In log.csv, a cell that" in said
    )
    assert opened.page.locator("#pie_chart img").get_attribute("alt")


def test_a_0_of_a_source_that_stopped_is_no_data(acme: Acme, open_page: Open) -> None:
    draft = acme.draft(name="none", first_day="2026-11-18", last_day="2026-11-18")
    opened = open_page(draft, has_script=False)
    assert opened.text(".no-data") == "No data"
    assert opened.text(".provisional").startswith("Provisional. No event since 2026-11-17 23:")
    assert "0 assignments" not in opened.page.locator("body").inner_text()


def test_an_empty_report_can_be_opened(inbox: Inbox, open_page: Open) -> None:
    inbox.first_day = date(2026, 11, 16)
    inbox.write(line("e1", "2026-11-16T15:00:00Z"))
    inbox.load(date(2026, 11, 16), date(2026, 11, 18))
    inbox.build(date(2026, 11, 16), date(2026, 11, 18))
    opened = open_page(Acme(inbox).draft(name="none", first_day="2026-11-17", last_day="2026-11-17"))
    assert total(opened) == 0
    assert "No assignments in this period." in opened.text("#bar_chart")
    assert opened.text("#log .status") == "Rows 0–0 of 0"


def test_components_that_are_off_are_not_missed(acme: Acme, open_page: Open) -> None:
    opened = open_page(acme.draft(components=["metric", "log"]), "source=user")
    assert [each.get_attribute("id") for each in opened.page.locator("main section").all()] == [
        "metric",
        "log",
        "appendix",
    ]
    assert total(opened) == {each.source: each.count for each in acme.draft().report.by_source}["user"]
    static = open_page(acme.draft(components=["metric", "bar_chart"]), has_script=False)
    assert static.page.locator("#events").count() == 0

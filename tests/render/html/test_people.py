"""The table of people is sorted by any column, by the script, in every page."""

import pytest

from tests.render.opened_report import Acme, Open, Opened


def column(opened: Opened, number: int) -> list[str]:
    return opened.page.locator(f"#people tbody tr > :nth-child({number})").all_inner_texts()


@pytest.mark.parametrize("preset", ["last_30_days", "explorer"])
def test_people_are_ranked_by_the_column_that_is_picked(acme: Acme, open_page: Open, preset: str) -> None:
    opened = open_page(acme.draft(name=preset, preset=preset))
    heading = opened.page.locator("#people th[data-column=passed_on]")
    assert opened.page.locator("#people [aria-sort]").get_attribute("data-column") == "assigned"
    heading.get_by_role("button").press("Enter")
    assert heading.get_attribute("aria-sort") == "descending"
    counts = [int(text.replace(",", "")) for text in column(opened, 7)]
    assert counts == sorted(counts, reverse=True)
    assert column(opened, 1) == [str(sum(other > count for other in counts) + 1) for count in counts]
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert [int(text.replace(",", "")) for text in column(opened, 7)] == sorted(counts)
    change = opened.page.locator("#people th[data-column=holding_median]")
    change.get_by_role("button").click()
    values = column(opened, 11)
    assert "-" not in values[: sum(text != "-" for text in values)], "people without a figure come last"

"""axe-core finds nothing against WCAG 2.2 AA or its best practices."""

from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest

from tests.render.opened_report import Acme, Open, Opened

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
# What passes is not written down: that takes most of the time.
RUN = """([within, tags]) => axe.run(within, { runOnly: tags, resultTypes: ["violations"] })
    .then(done => done.violations)"""
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(opened: Opened, within: str = ":root") -> list[str]:
    """Return what axe-core finds wrong with the page, or with what the selector *within* names."""
    if not opened.page.evaluate("'axe' in window"):
        opened.page.evaluate(AXE)
    found: Any = opened.page.evaluate(RUN, [within, TAGS])
    return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize(
    ("spec", "scheme"),
    [
        ({}, "light"),
        ({}, "dark"),
        ({"name": "none", "first_day": "2026-11-18", "last_day": "2026-11-18"}, "light"),
        ({"language": "ar"}, "dark"),
        ({"filters": {"source": ["user"]}, "brand": {"color": "#ffd400", "footer": "Confidential"}}, "light"),
    ],
    ids=["full", "full-dark", "empty", "arabic-dark", "filtered"],
)
def test_no_violation(acme: Acme, open_page: Open, spec: dict[str, Any], scheme: str) -> None:
    opened = open_page(acme.draft(**spec), color_scheme=scheme, reduced_motion="reduce")
    assert violations(opened) == []
    if opened.page.locator("#add").count() == 0:  # no data, so nothing to filter
        return
    opened.page.locator("#add").click()
    if spec == {}:
        opened.page.locator("#picker input[type=checkbox]").first.check()
    opened.page.locator("#trend summary").click()
    opened.page.locator(".choose summary").click()
    assert violations(opened) == [], "with everything opened"


def test_without_script_and_on_a_phone(acme: Acme, open_page: Open) -> None:
    phone = open_page(acme.draft())
    phone.page.set_viewport_size({"width": 360, "height": 740})
    assert violations(phone) == []
    assert phone.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"

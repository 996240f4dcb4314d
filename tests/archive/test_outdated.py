"""Outdated reports: a search examines few versions, and finds what comparing all of them finds."""

import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from assets.aggregates.lineage import data_versions
from assets.archive.archive import Archive
from assets.archive.catalog import Catalog
from assets.archive.outdated import mark_outdated_reports
from assets.archive.publish import draft_report, publish_report
from assets.archive.version import Key
from assets.config.workspace import ReportSpec
from assets.periods import as_of
from assets.report.report_periods import days_of_report
from tests.conftest import LATER, Inbox, line

DAYS = [date(2024, 3, 1) + timedelta(number) for number in range(20)]


class Deployment:
    """An inbox with an archive and a catalog, whose clock moves on with each step."""

    def __init__(self, folder: Path) -> None:
        self.inbox = Inbox(folder, first_day=DAYS[0])
        self.inbox.options["formats"] = ["csv"]
        self.inbox.options["components"] = ["metric", "comparison", "log"]
        self.archive, self.now = Archive(folder / "out"), LATER
        self.catalog = Catalog(SecretStr(f"sqlite:///{folder}/state.sqlite"))
        self.files = 0
        self.inbox.write(*(line(f"of {day}", f"{day}T15:00:00Z") for day in DAYS))
        self.inbox.load(DAYS[0], DAYS[-1])
        self.inbox.build(DAYS[0], DAYS[-1])

    @property
    def specs(self) -> dict[str, ReportSpec]:
        names = ("yesterday", "last_7_days", "this_month")
        return {spec.name: spec for spec in self.inbox.workspace.all_reports if spec.name in names}

    def add_event(self, day: date) -> None:
        self.files += 1
        self.inbox.write(line(f"e{self.files}", f"{day}T15:00:00Z"), name=f"{self.files}.csv")
        self.inbox.load(day)
        self.inbox.build(day)

    def make(self, name: str, report_date: date) -> None:
        workspace = self.inbox.workspace
        until = as_of(report_date, self.now, workspace.zone)
        draft = draft_report(self.inbox.lake, workspace, self.specs[name], report_date, until)
        published = publish_report(draft, self.archive)
        self.catalog.record(published.archived, draft.report.as_of, self.now)

    def search(self) -> set[Key]:
        """Search, and return what the catalog then lists as outdated."""
        self.now += timedelta(minutes=1)
        mark_outdated_reports(self.catalog, self.inbox.lake, self.inbox.workspace, self.now)
        return set(self.catalog.outdated())

    def compare_all(self) -> set[Key]:
        stored = data_versions(self.inbox.lake)
        return {
            key
            for key, version in self.catalog.newest().items()
            for days in [days_of_report(self.specs[key.report], key.report_date, self.inbox.workspace)]
            if version.data_version != stored.of(days)
        }


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return Deployment(tmp_path)


def test_searches_find_what_comparing_all_versions_finds(deployment: Deployment) -> None:
    rng, found = random.Random(20261128), set[Key]()
    for _ in range(8):
        for _ in range(rng.randrange(1, 4)):
            if rng.random() < 0.4:
                deployment.add_event(rng.choice(DAYS))
            else:
                deployment.make(rng.choice([*deployment.specs]), rng.choice(DAYS[8:]))
        if rng.random() < 0.7:
            assert deployment.search() == deployment.compare_all()
        found |= set(deployment.catalog.outdated())
    assert len(found) > 2


def test_a_search_examines_what_can_have_changed(deployment: Deployment) -> None:
    for day in DAYS[8:]:
        deployment.make("yesterday", day)
    deployment.search()
    assert deployment.catalog.to_examine("acme", None) == {}
    deployment.add_event(DAYS[15])
    examined = deployment.catalog.to_examine("acme", DAYS[15])
    assert {key.report_date for key in examined} == {*DAYS[16:]}
    assert {key.report_date for key in deployment.search()} == {DAYS[16], DAYS[17]}, "its own, and compared"


def test_of_two_searches_at_once_the_later_one_searches_again(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.make("yesterday", DAYS[10])
    catalog, end_search = deployment.catalog, deployment.catalog.end_search

    def end_after_another(*arguments: Any) -> bool:
        monkeypatch.undo()
        deployment.add_event(DAYS[9])
        deployment.search()
        assert not end_search(*arguments)
        return False

    monkeypatch.setattr(catalog, "end_search", end_after_another)
    assert deployment.search() == deployment.compare_all() == {Key("acme", "yesterday", DAYS[10])}
    assert catalog.last_search("acme").number == 2

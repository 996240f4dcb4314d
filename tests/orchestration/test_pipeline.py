"""What a run renders: reports that are archived as they would be made again are only counted."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from assets.archive.catalog import Catalog
from assets.config.loader import load_config
from orchestration import pipeline
from orchestration.pipeline import PipelineRequest, run_pipeline
from orchestration.report_processes import call_in_processes
from tests.orchestration.simulated_scheduler import configure, write_events

REPORT_DATE = date(2026, 6, 15)
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
REPORTS = ["yesterday", "last_7_days", "today"]


class Runs:
    """Runs at noon and later, and what each rendered."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        configure(folder)
        self._config = load_config(folder / "reports.yaml")
        self._rendered: list[str] = []
        monkeypatch.setattr(pipeline, "call_in_processes", self._call)

    def run(self, *, after: timedelta = timedelta(), reload: bool = False) -> tuple[list[str], list[int]]:
        """Return what was rendered, and the versions that the reports have then."""
        (acme,) = self._config.workspaces
        specs = tuple(spec for name in REPORTS for spec in acme.all_reports if spec.name == name)
        request = PipelineRequest(self._config, acme, specs, REPORT_DATE, NOON + after, reload)
        self._rendered.clear()
        published = run_pipeline(request, Catalog(self._config.state), lambda _: None)
        assert [each.report.name for each in published] == REPORTS
        return sorted(self._rendered), [each.archived.manifest.version for each in published]

    def _call(self, call: Any, specs: Sequence[Any], name: Any) -> Iterator[Any]:
        self._rendered += [spec.name for spec in specs]
        return call_in_processes(call, specs, name)


def test_what_is_archived_already_is_counted_and_not_rendered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_events(tmp_path, date(2026, 6, 9), 7)
    runs = Runs(tmp_path, monkeypatch)
    assert runs.run() == (sorted(REPORTS), [1, 1, 1])
    assert runs.run() == ([], [1, 1, 1])
    assert runs.run(after=timedelta(hours=1)) == (["today"], [1, 1, 2])
    write_events(tmp_path, date(2026, 6, 14), 1, "late.csv", per_day=1, hour=20)
    assert runs.run(after=timedelta(hours=1), reload=True) == (["last_7_days", "yesterday"], [2, 2, 2])


def test_what_cannot_be_counted_here_is_left_to_a_report_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_events(tmp_path, date(2026, 6, 9), 7)
    runs = Runs(tmp_path, monkeypatch)
    runs.run()
    monkeypatch.setattr(pipeline, "find_report", Mock(side_effect=KeyError("a bug")))
    assert runs.run() == (sorted(REPORTS), [1, 1, 1])
    monkeypatch.undo()
    runs = Runs(tmp_path, monkeypatch)
    monkeypatch.setattr(pipeline, "_MAX_TOTAL", 4)
    assert runs.run() == (["last_7_days"], [1, 1, 1])

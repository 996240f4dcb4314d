"""A mistake in the configuration is shown when the code location starts, without a run."""

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from assets.config.loader import load_usable
from orchestration.definitions import build_definitions
from tests.orchestration.simulated_scheduler import configure


def look(folder: Path, cursor: str | None = None) -> tuple[list[object], str, str | None]:
    """Load the configuration in *folder*; return the events of the sensor's tick, its text and its cursor."""
    definitions = build_definitions(*load_usable(folder / "reports.yaml"))
    repository = definitions.get_repository_def()
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance, cursor=cursor, repository_def=repository)
        tick = repository.get_sensor_def("configuration").evaluate_tick(context)
    return [*tick.asset_events], str(tick.skip_message), tick.cursor


def test_a_mistake_is_shown_by_the_first_tick_and_its_correction_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INBOX_URL", raising=False)
    source = {"type": "sql", "url": "${INBOX_URL}", "table": "events"}
    configure(tmp_path, {}, {"slug": "broken", "timezone": "Moon/Sea"}, {"slug": "other", "source": source})
    (_, checked), text, cursor = look(tmp_path)
    assert isinstance(checked, dg.AssetCheckEvaluation)
    assert not checked.passed
    assert "workspaces.1.timezone" in text
    assert "environment variable INBOX_URL is not set" in text
    assert checked.metadata["mistakes"].value == 2
    assert look(tmp_path, cursor)[0] == [], "it is told once"
    configure(tmp_path, {}, {"slug": "broken", "timezone": "Europe/Berlin"})
    (_, checked), text, _ = look(tmp_path, cursor)
    assert isinstance(checked, dg.AssetCheckEvaluation)
    assert checked.passed
    assert text == "valid, workspaces: 2"


def test_a_code_location_without_a_broken_workspace_starts_and_says_so(tmp_path: Path) -> None:
    configure(tmp_path, {}, {"slug": "broken", "timezone": "Moon/Sea"})
    code = (
        "from orchestration.definitions import defs\n"
        "print(defs.get_repository_def().asset_graph.get(dg.AssetKey('configuration')).description)"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import dagster as dg\n{code}"],
        env=os.environ | {"ASSIGNMENT_REPORTS_CONFIG": str(tmp_path / "reports.yaml")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "A workspace is left out" in done.stderr
    assert "workspaces.1.timezone" in done.stderr
    assert "Left out: " in done.stdout

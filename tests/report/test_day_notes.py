"""Notes on days: those of a period, mistakes in their file, and versions that differ in notes alone."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from assets.archive.archive import Archive
from assets.archive.publish import Published, draft_report, publish_report
from assets.archive.version import Cause
from assets.config.deployment import Config
from assets.config.workspace import ReportSpec, Workspace
from assets.deliver.channels.webhook import webhook_body
from assets.errors import ConfigError
from assets.periods import Period
from assets.render.mail import MailContext
from assets.report.day_notes import notes_on, read_notes
from orchestration.cli.config_check import examine_config
from tests.conftest import DAY, LATER, Inbox, line


def with_notes(inbox: Inbox, *notes: dict[str, str], **keys: Any) -> Workspace:
    return Workspace.model_validate(inbox.workspace.model_dump() | {"notes": notes} | keys)


def test_a_report_has_the_notes_of_its_days_from_the_configuration_and_the_file(
    inbox: Inbox, tmp_path: Path
) -> None:
    file = tmp_path / "notes.csv"
    file.write_text(
        '\ufeffText;Day;until\n"a; ""b""";2024-03-07\nlong; 2024-02-01 ;2024-03-05\nlate;2024-03-09;\n'
    )
    workspace = with_notes(
        inbox,
        {"day": "2024-03-08", "text": "<last>"},
        {"day": "2024-03-04", "text": "before"},
        {"day": "2024-03-07", "text": "first"},
        notes_file=file,
    )
    found = notes_on(Period(date(2024, 3, 5), date(2024, 3, 8), workspace.zone), workspace)
    assert [note.text for note in found] == ["long", "first", 'a; "b"', "<last>"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("day;text\n2024-03-05;a\n5.3.2024;b\n", "line 3: day: must be a valid date"),
        ("day,text\n2024-03-05,\n", "line 2: text: required"),
        ("day,text\n2024-03-05,a, b\n", "line 2: more cells than columns; put a text that has the separator in"),
        ("day,until,text\n2024-03-05,2024-03-04,a\n", "line 2: until: must not be before `day`"),
        (f"day,text\n2024-03-05,{'x' * 201}\n", "line 2: text: must have at most 200 characters"),
        ('day,text\n2024-03-05,"a\nb"\n', "line 3: text: must be one line of text"),
        ("day,note\n2024-03-05,a\n", "required column text is missing in the first line"),
        (None, "No such file"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_names_file_and_line(
    inbox: Inbox, tmp_path: Path, content: str | None, message: str
) -> None:
    file = tmp_path / "notes.csv"
    if content is not None:
        file.write_text(content)
    workspace = with_notes(inbox, notes_file=file)
    with pytest.raises(ConfigError) as caught:
        read_notes(workspace)
    assert str(caught.value).startswith(str(file))
    assert message in str(caught.value)
    config = Config(lake=tmp_path / "lake", archive=tmp_path / "archive", workspaces=(workspace,))
    assert f"workspaces.acme.notes_file: {caught.value}" in [
        each.text for each in examine_config(config, LATER)
    ]


def test_a_changed_note_makes_a_version_with_the_same_figures(inbox: Inbox, tmp_path: Path) -> None:
    inbox.write(line("1", "2024-03-05T15:00:00Z"))
    inbox.load()
    inbox.build()
    archive = Archive(tmp_path / "archive")
    spec = ReportSpec.model_validate({"name": "day", "first_day": DAY, "last_day": DAY, "formats": ["csv"]})

    def published(workspace: Workspace) -> Published:
        return publish_report(draft_report(inbox.lake, workspace, spec, DAY, LATER), archive)

    plain = published(inbox.workspace)
    noted = published(with_notes(inbox, {"day": str(DAY), "text": "=outage"}))
    again = published(
        with_notes(inbox, {"day": str(DAY), "text": "=outage"}, {"day": "2024-03-06", "text": "later"})
    )
    assert [each.archived.folder.name for each in (plain, noted, again)] == ["v1", "v2", "v2"]
    supersedes = noted.archived.manifest.supersedes
    assert supersedes
    assert (supersedes.changes, supersedes.causes) == ({}, (Cause.CONFIGURATION,))
    csv = [(each.archived.folder / "log.csv").read_bytes() for each in (plain, noted)]
    assert csv[0] == csv[1], "a data file has no notes"
    note = {"day": "2024-03-05", "until": None, "text": "=outage"}
    assert json.loads((noted.archived.folder / "report.json").read_bytes())["notes"] == [note]
    assert noted.archived.report() == noted.report
    assert json.loads(webhook_body(noted.archived, str, MailContext(version=1)))["data"]["notes"] == [note]

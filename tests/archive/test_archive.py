import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from assets.archive.archive import Archive
from assets.archive.catalog import Catalog
from assets.archive.index_pages import write_index
from assets.archive.resource import ArchiveResource
from assets.archive.verify import verify_archive
from assets.archive.version import Archived, Origin
from assets.config.base import parse_location
from assets.config.presentation import Format
from assets.report.model import Report
from assets.runtime.atomic_files import atomic_folder
from tests.conftest import LATER
from tests.render.made_reports import make_report

FILES = {"log.csv": b"a\r\n", "report.html": b"<p>", "report.pdf": b"%PDF"}


def store(archive: Archive, report: Report, files: Mapping[str, bytes] | None = None) -> Archived:
    return archive.store(
        report, Origin({"timezone": "UTC"}, {"weasyprint": "70.0"}), lambda _: files or FILES
    )


def test_a_version_holds_its_files_and_their_hashes(tmp_path: Path) -> None:
    archived = store(Archive(tmp_path), make_report({"user": 3}))
    assert archived.folder == tmp_path / "acme" / "last_7_days" / "2026-11-08" / "v1"
    assert sorted(path.name for path in archived.folder.iterdir()) == [
        "log.csv",
        "manifest.json",
        "report.html",
        "report.json",
        "report.pdf",
    ]
    for entry in archived.manifest.files:
        data = (archived.folder / entry.name).read_bytes()
        assert (entry.size, entry.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert json.loads((archived.folder / "manifest.json").read_text())["total"] == 3


def test_the_same_content_is_the_same_version_and_is_not_rendered_again(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    first = store(archive, make_report({"user": 3}))

    def never(_: int) -> Mapping[str, bytes]:
        raise AssertionError("rendered again")

    again = archive.store(make_report({"user": 3}), Origin({}, {}), never)
    assert (again.folder, again.is_new) == (first.folder, False)


def test_changed_content_is_the_next_version_which_names_what_changed(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    first = store(archive, make_report({"user": 1200, "workflow": 4}))
    before = {path.name: path.read_bytes() for path in first.folder.iterdir()}
    second = store(archive, make_report({"user": 1200, "workflow": 11}))
    assert second.folder.name == "v2"
    assert second.manifest.supersedes
    assert second.manifest.supersedes.model_dump() == {
        "version": 1,
        "changes": {"Workflow": (4, 11), "total": (1204, 1211)},
        "causes": (),
    }
    assert {path.name: path.read_bytes() for path in first.folder.iterdir()} == before


def test_no_data_is_another_figure_than_0(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    versions = [
        store(archive, make_report({"user": count} if count else {}, provisional=count is None)).manifest
        for count in (None, 0, 2, None)
    ]
    assert [each.has_no_data for each in versions] == [True, False, False, True]
    assert [each.supersedes.changes for each in versions if each.supersedes] == [
        {"total": (None, 0)},
        {"User": (0, 2), "total": (0, 2)},
        {"total": (2, None)},
    ]


def test_the_as_of_instant_of_a_finished_period_makes_no_new_version(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    later, running = datetime(2026, 12, 2, tzinfo=UTC), datetime(2026, 11, 5, tzinfo=UTC)
    store(archive, make_report({"user": 3}))
    assert not store(archive, make_report({"user": 3}, as_of=later)).is_new
    assert store(archive, make_report({"user": 3}, as_of=running)).is_new


def test_of_two_runs_at_once_the_second_finds_what_the_first_kept(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    told: list[Archived] = []

    def meanwhile(count: int) -> Mapping[str, bytes]:
        if not told:
            told.append(store(archive, make_report({"user": count})))
        return FILES

    same = archive.store(make_report({"user": 3}), Origin({}, {}), lambda _: meanwhile(3))
    assert (same.is_new, same.folder.name) == (False, "v1")
    told.clear()
    other = archive.store(make_report({"user": 5}), Origin({}, {}), lambda _: meanwhile(4))
    assert (other.is_new, other.folder.name) == (True, "v3")
    assert other.manifest.supersedes
    assert other.manifest.supersedes.changes["total"] == (4, 5)


def test_other_files_or_a_report_of_another_release_make_a_new_version(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    report = make_report({"user": 3})
    first = store(archive, report)
    sparse = report.model_copy(update={"look": report.look.model_copy(update={"formats": (Format.CSV,)})})
    assert store(archive, sparse).folder.name == "v2"
    (first.folder.parent / "v2" / "report.json").write_text('{"schema_version": 0}')
    assert store(archive, sparse).folder.name == "v3"


def test_a_failed_rendering_leaves_nothing(tmp_path: Path) -> None:
    def fail(_: int) -> Mapping[str, bytes]:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        Archive(tmp_path).store(make_report({"user": 1}), Origin({}, {}), fail)
    assert list(tmp_path.rglob("*.json")) == []


def test_a_folder_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    folder = store(Archive(tmp_path), make_report({"user": 1})).folder
    with pytest.raises(FileExistsError), atomic_folder(folder) as temporary:
        (temporary / "report.json").write_text("other")
    assert "other" not in (folder / "report.json").read_text()
    assert [path.name for path in folder.parent.iterdir()] == ["v1"]


def test_a_killed_process_leaves_no_half_version(tmp_path: Path) -> None:
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.archive.test_archive import *
archive = Archive(Path({str(tmp_path)!r}))
for number in range(10_000):
    store(archive, make_report({{"user": number}}), {{"log.csv": b"x" * 3_000_000}})
    print(number, flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        for _ in range(5):
            writer.stdout.readline()
        writer.kill()
    for archived, _, _ in Archive(tmp_path).versions():
        for entry in archived.manifest.files:
            assert (archived.folder / entry.name).stat().st_size == entry.size
    assert store(Archive(tmp_path), make_report({"user": 99_999})).is_new


def test_the_index_lists_every_version_with_links_that_lead_somewhere(tmp_path: Path) -> None:
    archive, catalog = Archive(tmp_path), Catalog(SecretStr(f"sqlite:///{tmp_path}/state.sqlite"))
    assert "No report is archived yet." in write_index(catalog, tmp_path, []).read_text()
    for report in (
        make_report({"user": 1204}),
        make_report({"user": 1211}, provisional=True, workspace_name="Acme <b>"),
    ):
        catalog.record(store(archive, report), report.as_of, LATER)
    page = write_index(catalog, tmp_path, ["acme"]).read_text()
    links = re.findall(r'href="([^"]+)"', page)
    assert len(links) == 3 * (1 + len(FILES) + 1), "a card, and two rows of the table"
    assert all(os.path.exists(tmp_path / link) for link in links)  # noqa: PTH110 - relative links
    assert "Changes since v1:<br>Total: 1,204 → 1,211 (+7)" in page
    assert "Provisional" in page
    assert "<b>" not in page


@pytest.mark.parametrize("root", ["", "https://reports.example.org", "https://reports.example.org/"])
def test_a_file_is_opened_on_this_machine_or_by_the_web_server(tmp_path: Path, root: str) -> None:
    archive = ArchiveResource(root=str(tmp_path), url=root or None)
    address = archive.address(tmp_path / "acme" / "report ä.pdf")
    assert address == f"{root.rstrip('/') or tmp_path.as_uri()}/acme/report%20%C3%A4.pdf"


def damage_nothing(folder: Path) -> None:
    del folder


def damage_a_byte(folder: Path) -> None:
    (folder / "log.csv").write_bytes(b"b\r\n")


def damage_the_length(folder: Path) -> None:
    (folder / "log.csv").write_bytes(b"a\r\nb\r\n")


def lose_a_file(folder: Path) -> None:
    (folder / "report.pdf").unlink()


def add_a_file(folder: Path) -> None:
    (folder / "notes.txt").touch()


def lose_the_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def cut_the_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text("{")


def copy_elsewhere(folder: Path) -> None:
    shutil.copytree(folder, folder.with_name("v2"))


def lose_the_version(folder: Path) -> None:
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (damage_nothing, None),
        (damage_a_byte, "v1: log.csv was changed"),
        (damage_the_length, "v1: log.csv has 6 bytes of 3"),
        (lose_a_file, "v1: report.pdf is missing"),
        (add_a_file, "v1: notes.txt is not in the manifest"),
        (lose_the_manifest, "v1: manifest.json is missing"),
        (cut_the_manifest, "v1: manifest.json is damaged or of another release (1 invalid values)"),
        (copy_elsewhere, "v2: manifest.json is that of acme/last_7_days/2026-11-08/v1"),
        (lose_the_version, "v1: is in the catalog, but missing"),
    ],
)
def test_what_is_no_longer_as_archived_is_named(
    tmp_path: Path, change: Callable[[Path], None], fault: str | None
) -> None:
    catalog = Catalog(SecretStr(f"sqlite:///{tmp_path}/state.sqlite"))
    archived = store(Archive(tmp_path / "out"), make_report({"user": 3}))
    catalog.record(archived, LATER, LATER)
    change(archived.folder)
    found = verify_archive(tmp_path / "out", catalog.listed())
    assert found.faults == ([f"acme/last_7_days/2026-11-08/{fault}"] if fault else [])


@pytest.fixture
def bucket(object_store: str, request: pytest.FixtureRequest) -> Path:
    """An archive of its own in the object store."""
    return parse_location(f"{object_store}/{abs(hash(request.node.name))}")


def test_an_object_store_holds_what_a_folder_holds(bucket: Path, tmp_path: Path) -> None:
    catalog = Catalog(SecretStr(f"sqlite:///{tmp_path}/state.sqlite"))
    kept = {}
    for root in (bucket, tmp_path / "out"):
        archive = Archive(root)
        for count in (1204, 1211, 1211):
            archived = store(archive, make_report({"user": count}))
        assert (archived.manifest.version, archived.is_new) == (2, False)
        assert archived.manifest.supersedes
        assert archived.manifest.supersedes.changes == {"User": (1204, 1211), "total": (1204, 1211)}
        catalog.record(archived, LATER, LATER)
        write_index(catalog, root, ["acme"])
        assert verify_archive(root, catalog.listed()).faults == []
        kept[root] = {
            str(path)[len(str(root)) :]: path.read_bytes() for path in root.rglob("*.*") if path.is_file()
        }
    assert kept[bucket].keys() - kept[tmp_path / "out"].keys() == set()
    assert {
        name: data for name, data in kept[tmp_path / "out"].items() if not name.endswith(".lock")
    } == kept[bucket]


def test_two_writers_of_an_object_store_never_mix_their_files(bucket: Path) -> None:
    def by_another(count: int) -> Mapping[str, bytes]:
        with suppress(RecursionError):
            store(Archive(bucket), make_report({"user": count}), FILES | {"log.csv": b"other"})
        return FILES

    same = Archive(bucket).store(make_report({"user": 3}), Origin({}, {}), lambda _: by_another(3))
    assert not same.is_new
    other = Archive(bucket).store(
        make_report({"user": 5}), Origin({}, {}), lambda number: by_another(4) if number == 2 else FILES
    )
    assert (other.manifest.version, other.manifest.total) == (3, 5)
    assert verify_archive(bucket, []).faults == []


def test_what_a_killed_writer_left_in_an_object_store_is_no_version(bucket: Path) -> None:
    archive = Archive(bucket)
    store(archive, make_report({"user": 3}))
    torn = bucket / "acme" / "last_7_days" / "2026-11-08" / "v2"
    (torn / "report.json").write_bytes(b"{}")
    assert archive.latest("acme", "last_7_days", date(2026, 11, 8))
    assert store(archive, make_report({"user": 4})).manifest.version == 3
    assert verify_archive(bucket, []).faults == ["acme/last_7_days/2026-11-08/v2: manifest.json is missing"]
    assert archive.tidy(datetime(2020, 1, 1, tzinfo=UTC)) == 0
    assert archive.tidy(LATER) == 1
    assert verify_archive(bucket, []).faults == []
    (torn / "report.json").write_bytes(b"{}")
    assert [number for _, number in archive.prune(1, date.min)] == [1, 2]
    assert verify_archive(bucket, []).faults == []


def test_a_part_that_a_killed_writer_left_is_made_again(
    bucket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assets.runtime.atomic_files._OTHERS_SECONDS", 1)
    torn = bucket / "acme" / "last_7_days~de" / "2026-11-08" / "v1"
    (torn / "report.json").write_bytes(b"{}")
    report = make_report({"user": 3})
    for _ in range(2):
        kept = Archive(bucket).store_part(report, "de", 1, Origin({}, {}), lambda _: FILES)
        assert (kept.manifest.report, kept.manifest.version) == ("last_7_days~de", 1)
    assert verify_archive(bucket, []).faults == []

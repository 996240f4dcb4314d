"""A workspace that fails stops no other: each fault is caused for real, and said with its path and what helps."""

import json
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from orchestration import pipeline
from tests.orchestration.command_line import LAST_DAY, PROGRAM, CommandLine, Finished, make_command_line

RUN = ("run", "--json", "--report-date", str(LAST_DAY), "--preset", "yesterday")
# root passes every check of permissions but for these two capabilities
AS_OTHERS = "setpriv --bounding-set -dac_override,-dac_read_search --inh-caps -dac_override,-dac_read_search"
IN_OWN_MOUNTS = ("unshare", "--map-root-user", "--mount", "sh", "-ec")


def configure(folder: Path, **workspaces: dict[str, Any]) -> CommandLine:
    """Configure *workspaces* (changes by slug), whose reports are data files, beside `acme`, which is fine."""
    plain = {
        "timezone": "America/New_York",
        "first_day": "2026-10-20",
        "source": {"type": "files", "path": "events/*.csv"},
        "formats": ["csv"],
        "components": ["metric", "log"],
        "explorer": False,
    }
    named = {"beta": workspaces.pop("beta", {}), **workspaces, "acme": {}}
    entries = [{"slug": slug, "name": slug, **plain, **changes} for slug, changes in named.items()]
    config = json.dumps({"lake": "lake", "archive": "out", "workspaces": entries})
    return make_command_line(folder, 300, config)


def require_others_made(done: Finished, folder: Path, code: int = 3) -> None:
    """Require that the reports of `acme` and the index are there, and that no traceback is."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert [each["workspace"] for each in json.loads(done.stdout)] == ["acme"]
    assert "acme/" in (folder / "out" / "index.html").read_text()
    assert "yesterday/2026-11-03/v1" in (folder / "out" / "acme" / "index.html").read_text()


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def with_another_format(path: Path) -> None:
    path.write_text("local_day,read_count\n2026-11-02,7\n")


def with_other_bytes(path: Path) -> None:
    """Change the rows and leave the footer as it is: no engine names the file then."""
    content = bytearray(path.read_bytes())
    content[4:200] = bytes(each ^ 0xFF for each in content[4:200])
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("table", "damage"),
    [
        ("load_counts", cut_in_half),
        ("assignment_log", with_another_format),
        ("assignment_log", with_other_bytes),
    ],
)
def test_a_damaged_file_of_the_lake_is_named_and_its_remedy_works(
    tmp_path: Path, table: str, damage: Any
) -> None:
    command_line = configure(tmp_path)
    assert command_line.call(*RUN).returncode == 0
    whole = command_line.files()
    shutil.rmtree(tmp_path / "out")
    file = tmp_path / "lake" / "beta" / table / "local_day=2026-11-02" / "part.parquet"
    damage(file)
    done = command_line.call(*RUN)
    require_others_made(done, tmp_path)
    assert f"beta: {file} is damaged" in done.stderr
    subprocess.run(["sh", "-c", done.stderr.split("`")[1]], check=True)
    assert command_line.call(*RUN).returncode == 0
    again = command_line.files()
    assert {name for name in whole if again.get(name) != whole[name]} <= {"out/index.html"}


def test_a_logo_that_is_no_image_stops_its_own_workspace_only(tmp_path: Path) -> None:
    command_line = configure(tmp_path, beta={"brand": {"logo": "logo.png"}})
    (tmp_path / "logo.png").write_text("no image")
    done = command_line.call(*RUN)
    require_others_made(done, tmp_path)
    assert f"beta: brand.logo: {tmp_path}/logo.png must be a PNG, JPEG or SVG file" in done.stderr


def test_a_full_disk_a_read_only_one_and_a_locked_folder_stop_their_own_workspaces_only(
    tmp_path: Path,
) -> None:
    if subprocess.run(
        [*IN_OWN_MOUNTS, f"mount -t tmpfs none /mnt && {AS_OTHERS} true"], check=False
    ).returncode:
        pytest.skip("this machine allows no mounts of one's own")
    command_line = configure(tmp_path, full={}, locked={})
    for slug in ("beta", "full", "locked"):
        (tmp_path / "lake" / slug).mkdir(parents=True)
    (tmp_path / "lake" / "locked").chmod(0o500)
    script = f"""
        mount -t tmpfs -o ro none lake/beta
        mount -t tmpfs -o size=8k none lake/full
        exec {AS_OTHERS} {PROGRAM} {shlex.join(RUN)}
    """
    ended = subprocess.run(
        [*IN_OWN_MOUNTS, script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    done = Finished(ended.returncode, ended.stdout, ended.stderr)
    require_others_made(done, tmp_path)
    lake = tmp_path / "lake"
    assert (
        f"beta: {lake}/beta/.days.lock: Read-only file system; mount its file system writable" in done.stderr
    )
    assert "No space left on device; free space on its disk, and run again" in done.stderr
    assert f"full: {lake}/full/" in done.stderr
    assert f"locked: {lake}/locked/.days.lock: Permission denied; give the user" in done.stderr
    assert command_line.call(*RUN).returncode == 0


def test_a_folder_of_the_archive_that_is_none_stops_no_page_of_the_others(tmp_path: Path) -> None:
    command_line = configure(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "beta").write_text("a file")
    done = command_line.call(*RUN)
    require_others_made(done, tmp_path)
    assert f"{tmp_path}/out/beta" in done.stderr


def test_a_wrong_entry_stops_no_other_and_concerns_no_command_for_another(tmp_path: Path) -> None:
    command_line = configure(tmp_path, beta={"timezone": "Mars/Olympus"})
    done = command_line.call(*RUN)
    require_others_made(done, tmp_path)
    assert "reports.yaml: workspaces.0.timezone: " in done.stderr
    for command in (
        (*RUN, "--quiet"),
        ("sql", "SELECT count(*) FROM assignment_log"),
        ("sources", "test"),
        ("deliveries", "list"),
        ("deliveries", "evaluations"),
        ("deliveries", "send"),
    ):
        done = command_line.call(*command, "--workspace", "acme")
        assert (done.returncode, done.stderr) == (0, ""), command
    done = command_line.call("sql", "SELECT 1", "--workspace", "beta")
    assert done.returncode == 2
    assert "workspaces.0.timezone" in done.stderr


def test_a_state_that_is_no_database_is_named(tmp_path: Path) -> None:
    command_line = configure(tmp_path)
    (tmp_path / "state.sqlite").write_text("no database, and long enough to have a header of one" * 9)
    done = command_line.call(*RUN)
    assert done.returncode == 3
    assert f"{tmp_path}/state.sqlite: file is not a database; restore it from a backup" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bug_in_one_workspace_is_shown_and_the_others_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = pipeline.load_and_build

    def failing(request: Any, *arguments: Any) -> None:
        if request.workspace.slug == "beta":
            raise KeyError("a bug")
        load(request, *arguments)

    command_line = configure(tmp_path)
    monkeypatch.setattr(pipeline, "load_and_build", failing)
    done = command_line.call(*RUN)
    assert done.returncode == 1
    assert "beta: Traceback" in done.stderr
    assert [each["workspace"] for each in json.loads(done.stdout)] == ["acme"]

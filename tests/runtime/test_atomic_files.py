"""What killed writers left is removed, and nothing that a writer or a lock still uses."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from assets.runtime.atomic_files import atomic_folder, atomic_write, remove_leftovers

NOW = datetime(2026, 6, 15, tzinfo=UTC)
DAY = timedelta(days=1)


def leave_temporary(root: Path, age: timedelta) -> list[Path]:
    """Leave a temporary file and a temporary folder of an *age* below *root*, as a killed process does."""
    with atomic_write(root / "index.html") as file, atomic_folder(root / "2026-06-15" / "v1") as folder:
        left = file, folder
        file.touch()
    file.touch()
    folder.mkdir()
    (folder / "report.json").touch()
    for path in left:
        os.utime(path, (int((NOW - age).timestamp()),) * 2)
    return [*left]


def test_old_temporary_files_and_folders_are_removed_and_nothing_else(tmp_path: Path) -> None:
    old, recent = leave_temporary(tmp_path, 2 * DAY), leave_temporary(tmp_path / "acme", DAY / 2)
    others = [tmp_path / name for name in (".index.html.lock", ".inputs.json", "a.b.c")]
    for path in others:
        path.touch()
        os.utime(path, (0, 0))
    assert remove_leftovers(tmp_path, ("", "*/", "*/*/"), NOW - DAY) == len(old)
    assert [path.exists() for path in (*old, *recent, *others)] == [False] * 2 + [True] * 5

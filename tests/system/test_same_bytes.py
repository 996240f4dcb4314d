"""The same data and configuration give the same bytes, whatever the process."""

from pathlib import Path

from tests.orchestration.command_line import (
    CommandLine,
    make_command_line,
)


def test_two_processes_with_different_hash_seeds_write_the_same_bytes(tmp_path: Path) -> None:
    for name in ("1", "2"):
        command_line = make_command_line(tmp_path / name)
        command_line.run_process(PYTHONHASHSEED=name, TZ=f"Etc/GMT+{name}", SOURCE_DATE_EPOCH=name)
    one, other = (CommandLine(tmp_path / name).files() for name in ("1", "2"))
    assert one.keys() == other.keys()
    assert [name for name in one if one[name] != other[name]] == []
    assert sum(name.endswith(".pdf") for name in one) == 7

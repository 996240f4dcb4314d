"""The first hour as it stands in the quick start: its configurations and commands, each command a process."""

from pathlib import Path

import pytest

from tests.orchestration.readme_stories import STORIES, check_what_is_said, commands, folder_with


@pytest.mark.parametrize("story", range(3))
def test_the_quick_starts_configurations_work_as_they_stand(tmp_path: Path, story: int) -> None:
    command_line = folder_with(tmp_path, story, STORIES[story])
    for words in commands():
        done = command_line.call_process(*words)
        assert done.returncode == 0, done.stderr + done.stdout
    check_what_is_said(done.stdout)

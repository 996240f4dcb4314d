"""What a process imports before it needs it."""

import subprocess
import sys

import pytest


def in_a_new_process(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("module", ["orchestration.definitions", "orchestration.pipeline"])
def test_what_loads_and_builds_imports_nothing_that_draws(module: str) -> None:
    code = f"import sys, {module}\nprint({{'jinja2', 'matplotlib', 'weasyprint'}} & sys.modules.keys())"
    assert in_a_new_process(code) == "set()\n"

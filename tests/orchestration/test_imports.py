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


def test_the_status_of_a_deployment_imports_no_dagster() -> None:
    modules = "orchestration.cli.status, orchestration.cli.status_output, orchestration.automation.status"
    code = f"import sys, {modules}\nprint({{'dagster', 'duckdb', 'pyarrow'}} & sys.modules.keys())"
    assert in_a_new_process(code) == "set()\n"

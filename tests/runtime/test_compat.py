"""What a process imports before it needs it."""

import subprocess
import sys

import pytest


def in_a_new_process(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("module", ["orchestration.definitions", "orchestration.pipeline"])
def test_what_loads_and_builds_imports_nothing_that_draws(module: str) -> None:
    code = f"import sys, {module}\nprint({{'jinja2', 'matplotlib', 'pandas', 'weasyprint'}} & sys.modules.keys())"
    assert in_a_new_process(code) == "set()\n"


def test_arrow_imports_pandas_for_a_frame_only() -> None:
    code = """
import sys
import assets.warehouse.schema
import pyarrow as pa
table = pa.table({"count": pa.array([1, 2])})
print("pandas" in sys.modules, table.to_pandas()["count"].sum(), "pandas" in sys.modules)
"""
    assert in_a_new_process(code) == "False 3 True\n"


def test_weasyprint_is_imported_without_a_compiler() -> None:
    code = """
import sys
started = []
sys.addaudithook(lambda event, args: started.append(args[0]) if event == "subprocess.Popen" else None)
import assets.render.pdf.document
print(started)
"""
    assert in_a_new_process(code) == "[]\n"

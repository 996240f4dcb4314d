"""The laws of docs/architecture.md that import-linter cannot say."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = [path.relative_to(ROOT) for path in sorted((ROOT / "assets").rglob("*.py"))]
MODULES += [path.relative_to(ROOT) for path in sorted((ROOT / "orchestration").rglob("*.py"))]
CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "localtime", "gmtime"}


def imported(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse((ROOT / module).read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def reads_clock(module: Path) -> bool:
    """Tell whether a module calls `datetime.now`, `date.today`, `time.time` or their like."""
    calls = (
        each.func for each in ast.walk(ast.parse((ROOT / module).read_text())) if isinstance(each, ast.Call)
    )
    return any(
        isinstance(call, ast.Attribute)
        and call.attr in CLOCKS
        and isinstance(call.value, ast.Name)
        and call.value.id in {"datetime", "date", "time"}
        for call in calls
    )


def may_import_dagster(module: Path) -> bool:
    is_wiring = module.name in {"defs.py", "metadata.py", "resource.py"} or module == Path(
        "assets/partitions.py"
    )
    return is_wiring or module.parts[0] == "orchestration"


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_keeps_the_laws_of_dagster_and_of_the_clock(module: Path) -> None:
    names = set(imported(module))
    if not may_import_dagster(module):
        assert not {name for name in names if name.split(".")[0].startswith("dagster")}
    if module.parts[:2] != ("orchestration", "deployment"):
        assert not {name for name in names if name.startswith("dagster") and "._" in name}
    if module.parts[0] != "orchestration":
        assert not reads_clock(module)


def test_a_clock_that_is_read_would_be_found() -> None:
    assert reads_clock(Path("orchestration/definitions.py"))


@pytest.mark.parametrize("folder", ["assets", "orchestration"])
def test_every_folder_says_what_it_holds(folder: str) -> None:
    packages = [path for path in (ROOT / folder).rglob("__init__.py") if "migrations" not in path.parts]
    assert [path for path in packages if not ast.get_docstring(ast.parse(path.read_text()))] == []

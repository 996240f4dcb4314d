"""The wheel is complete: it works where there is no checkout, and brings no package of a common name but ours."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel installs."""
    folder = tmp_path_factory.mktemp("wheel")
    hatchling = Path(sys.executable).with_name("hatchling")
    subprocess.run(
        [hatchling, "build", "-t", "wheel", "-d", folder], cwd=ROOT, capture_output=True, check=True
    )
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "installed")
    return folder / "installed"


def shell(installed: Path, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    env = {"PYTHONPATH": str(installed)}
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


def test_it_installs_two_packages_with_their_types_words_and_migrations(installed: Path) -> None:
    (about,) = installed.glob("*.dist-info")
    assert {path.name for path in installed.iterdir()} == {"assets", "orchestration", about.name}
    packages = [ROOT / "assets", ROOT / "orchestration"]
    sources = {
        path.relative_to(ROOT)
        for package in packages
        for path in package.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    templates = {
        Path("assets/render/_templates") / path.relative_to(ROOT / "templates")
        for path in (ROOT / "templates").rglob("*")
        if path.is_file()
    }
    found = {path.relative_to(installed) for path in installed.rglob("*") if path.is_file()}
    assert {path for path in found if about.name not in path.parts} == sources | templates
    assert {Path("assets/py.typed"), Path("orchestration/py.typed")} <= found


def test_reports_are_made_by_the_wheel_alone(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "reports.yaml").write_text((ROOT / "reports.yaml").read_text(encoding="utf-8"))
    main = "from orchestration.cli.app import main; main()"
    made = shell(installed, tmp_path, "-c", main, "demo-data", "--events", "2000")
    assert made.returncode == 0, made.stderr
    run = shell(
        installed, tmp_path, "-c", main, "run", "--report-date", "2026-11-18", "--preset", "yesterday"
    )
    assert run.returncode == 0, run.stderr
    (folder,) = tmp_path.glob("reports_out/acme/yesterday/2026-11-18/v1")
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF")
    assert "Contact Assignments" in (folder / "report.html").read_text(encoding="utf-8")


def test_without_a_checkout_dagster_is_told_which_variable_to_set(installed: Path, tmp_path: Path) -> None:
    ended = shell(installed, tmp_path, "-c", "import orchestration.definitions")
    assert ended.returncode == 1
    assert "ConfigError: ASSIGNMENT_REPORTS_CONFIG: required" in ended.stderr

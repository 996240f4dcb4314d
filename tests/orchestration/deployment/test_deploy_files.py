"""The files of deploy/ are right as far as that can be seen without their engines."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from assets.config.loader import load_config

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "container" / "compose.yaml").read_text())


@pytest.mark.parametrize(
    "unit", sorted(path.name for path in (DEPLOY / "systemd").glob("*.*") if path.suffix != ".example")
)
def test_systemd_takes_every_unit(unit: str, tmp_path: Path) -> None:
    for path in (DEPLOY / "systemd").iterdir():
        text = path.read_text().replace("/opt/assignment-reports/.venv", str(ROOT / ".venv"))
        (tmp_path / path.name).write_text(text.replace("User=assignment-reports", "User=root"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit)],
        env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    complaints = [
        line for line in done.stderr.splitlines() if str(tmp_path) in line or "assignment-reports" in line
    ]
    assert (done.returncode, complaints) == (0, [])


def test_every_program_that_is_started_exists() -> None:
    started = re.findall(
        r"^ExecStart=\S+/bin/(\S+)",
        "\n".join(p.read_text() for p in (DEPLOY / "systemd").glob("*.service")),
        re.MULTILINE,
    )
    started += [
        service["command"].split()[0] for service in COMPOSE["services"].values() if "command" in service
    ]
    assert len(started) == 8
    assert all((ROOT / ".venv" / "bin" / program).exists() for program in started)


def test_every_variable_that_a_file_names_is_given(tmp_path: Path) -> None:
    wanted = set(
        re.findall(
            r"\{env: (\w+)\}", (DEPLOY / "dagster.yaml").read_text() + (DEPLOY / "workspace.yaml").read_text()
        )
    )
    unit = (DEPLOY / "systemd" / "environment.example").read_text()
    image = (DEPLOY / "container" / "Dockerfile").read_text()
    compose = COMPOSE["x-reports"]["environment"].keys()
    assert wanted >= {"DAGSTER_POSTGRES_URL", "CODE_SERVER_HOST"}
    for name in wanted | {"DAGSTER_HOME", "ASSIGNMENT_REPORTS_CONFIG", "DAGSTER_EVENT_BATCH_SIZE"}:
        assert re.search(rf"^{name}=", unit, re.MULTILINE), name
        assert name in compose or f"{name}=" in image, name
    shutil.copy(DEPLOY / "container" / "reports.yaml", tmp_path)
    assert load_config(tmp_path / "reports.yaml").start_schedules


def test_compose_takes_its_file() -> None:
    program = ROOT / ".venv" / "bin" / "check-jsonschema"
    file = DEPLOY / "container" / "compose.yaml"
    done = subprocess.run(
        [str(program), "--builtin-schema", "vendor.compose-spec", str(file)], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_nothing_but_loopback_is_published() -> None:
    assert [port for service in COMPOSE["services"].values() for port in service.get("ports", [])] == [
        "127.0.0.1:3000:3000"
    ]
    units = "\n".join(path.read_text() for path in (DEPLOY / "systemd").glob("*.service"))
    assert set(re.findall(r"-h (\S+)", units)) == {"127.0.0.1"}


def test_the_image_has_the_packages_that_make_installs() -> None:
    wanted = re.search(r"^RUN_PACKAGES := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert wanted
    image = (DEPLOY / "container" / "Dockerfile").read_text().split()
    assert set(wanted[1].split()) <= set(image)

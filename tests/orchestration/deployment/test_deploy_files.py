"""The files of deploy/ are right as far as that can be seen without their engines."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from assets.config.loader import load_config
from orchestration.cli.app import app

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "container" / "compose.yaml").read_text())
IMAGE = (DEPLOY / "container" / "Dockerfile").read_text()
UNITS = sorted(path.name for path in (DEPLOY / "systemd").glob("*.*") if path.suffix != ".example")
SERVICES = [name for name in UNITS if name.endswith(".service")]
OWN = [name for name, service in COMPOSE["services"].items() if service.get("image") == "assignment-reports"]


@pytest.mark.parametrize("unit", UNITS)
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


@pytest.mark.parametrize("unit", SERVICES)
def test_a_unit_is_confined_and_survives_a_run_that_takes_too_much_memory(unit: str) -> None:
    path = DEPLOY / "systemd" / unit
    options = ["--offline=yes", "--no-pager", "--threshold=29"]  # an exposure below 3
    done = subprocess.run(["systemd-analyze", "security", *options, path], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode()
    settings = path.read_text().splitlines()
    assert {"OOMPolicy=continue", "UMask=0077", "StateDirectory=assignment-reports"} <= set(settings)
    assert any(line.startswith("MemoryMax=") for line in settings)


def programs() -> Iterator[tuple[str, list[str]]]:
    """Yield the folder below deploy/ and the words of each command that is started, or checks health."""
    for unit in SERVICES:
        text = (DEPLOY / "systemd" / unit).read_text()
        (command,) = re.findall(r"^ExecStart=\S+/bin/(.*)$", text, re.MULTILINE)
        yield "..", shlex.split(command)
    for name in OWN:
        service = COMPOSE["services"][name]
        yield ".", shlex.split(service["command"])
        yield ".", service["healthcheck"]["test"][1:]


PROGRAMS = list(programs())


@pytest.mark.parametrize(("folder", "words"), PROGRAMS, ids=[" ".join(words[:3]) for _, words in PROGRAMS])
def test_every_program_exists_and_takes_its_options(
    folder: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (ROOT / ".venv" / "bin" / words[0]).exists()
    if words[0] == "assignment-reports":
        monkeypatch.chdir(DEPLOY / folder)
        group: Any = typer.main.get_command(app)
        group.commands[words[1]].make_context(words[1], words[2:])


def test_every_variable_that_a_file_names_is_given() -> None:
    wanted = set(
        re.findall(
            r"\{env: (\w+)\}", (DEPLOY / "dagster.yaml").read_text() + (DEPLOY / "workspace.yaml").read_text()
        )
    )
    unit = (DEPLOY / "systemd" / "environment.example").read_text()
    compose = COMPOSE["x-reports"]["environment"].keys()
    assert wanted >= {"DAGSTER_POSTGRES_URL", "CODE_SERVER_HOST"}
    for name in wanted | {"DAGSTER_HOME", "ASSIGNMENT_REPORTS_CONFIG", "DAGSTER_EVENT_BATCH_SIZE"}:
        assert re.search(rf"^{name}=", unit, re.MULTILINE), name
        assert name in compose or f"{name}=" in IMAGE, name
    example = (DEPLOY / "container" / "environment.example").read_text()
    for name in re.findall(r"\$\{(\w+)", (DEPLOY / "container" / "compose.yaml").read_text()):
        assert re.search(rf"^{name}=", example, re.MULTILINE), name


def test_the_configuration_of_the_containers_trusts_their_nginx_only() -> None:
    config = load_config(DEPLOY / "container" / "reports.yaml")
    assert config.start_schedules
    nginx = COMPOSE["services"]["nginx"]["networks"]["default"]["ipv4_address"]
    assert [str(each) for each in config.web.trusted_proxies] == [f"{nginx}/32"]
    assert config.web.trusted_header
    assert (
        f"proxy_set_header {config.web.trusted_header} $remote_user;" in (DEPLOY / "nginx.conf").read_text()
    )


def test_compose_takes_its_file() -> None:
    program = ROOT / ".venv" / "bin" / "check-jsonschema"
    file = DEPLOY / "container" / "compose.yaml"
    done = subprocess.run(
        [str(program), "--builtin-schema", "vendor.compose-spec", str(file)], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_every_container_has_limits_a_health_check_and_time_to_stop() -> None:
    for name, service in COMPOSE["services"].items():
        assert {"mem_limit", "pids_limit", "healthcheck", "stop_grace_period", "restart"} <= service.keys(), (
            name
        )


def test_nothing_but_nginx_is_published() -> None:
    published = {name for name, service in COMPOSE["services"].items() if "ports" in service}
    assert published == {"nginx"}
    units = "\n".join((DEPLOY / "systemd" / unit).read_text() for unit in SERVICES)
    assert set(re.findall(r"-h (\S+)", units)) == {"127.0.0.1"}
    assert "--host" not in units


def test_the_instance_is_not_in_a_volume_and_the_data_are() -> None:
    volumes = re.findall(r"^VOLUME (.*)$", IMAGE, re.MULTILINE)[0].split()
    (home,) = re.findall(r"DAGSTER_HOME=(\S+)", IMAGE)
    assert f"COPY deploy/dagster.yaml {home}/dagster.yaml" in IMAGE
    assert not any(home.startswith(f"{volume}/") for volume in volumes)
    config = load_config(DEPLOY / "container" / "reports.yaml")
    for place in (config.lake, config.archive, config.imports):
        assert any(str(place).startswith(volume) for volume in volumes), place


def test_the_image_has_the_packages_that_make_installs() -> None:
    wanted = re.search(r"^RUN_PACKAGES := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert wanted
    assert set(wanted[1].split()) <= set(IMAGE.split())


def test_what_the_image_copies_is_sent_to_the_engine() -> None:
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [word for words in re.findall(r"^COPY (.*) \S+$", IMAGE, re.MULTILINE) for word in words.split()]
    assert len(copied) > 5
    for each in copied:
        path = each.replace("${LOCK}", "all.lock")
        assert (ROOT / path).exists(), path
        assert any(Path(path).match(pattern) for pattern in sent), path

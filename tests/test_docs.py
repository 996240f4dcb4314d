"""What the product calls things is written down: a rename is a visible change."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from assets.config.deployment import Config
from assets.config.loader import load_config
from assets.config.subscription import Subscription
from assets.events import CONTRACT_COLUMNS
from assets.report import chains, findings
from assets.warehouse.schema import METADATA
from orchestration.cli.app import app
from orchestration.definitions import build_definitions

ROOT = Path(__file__).parents[1]
NAMES = (ROOT / "docs" / "naming.md").read_text(encoding="utf-8")
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")


def test_every_asset_schedule_sensor_and_check_is_documented() -> None:
    config = load_config(ROOT / "reports.yaml")
    managers = Subscription(name="managers", reports=("yesterday",), recipients=("ann@acme.example",))
    often = config.workspaces[0].model_copy(update={"today_every": 15, "subscriptions": (managers,)})
    definitions = build_definitions(config.model_copy(update={"workspaces": (often,)}))
    repository = definitions.get_repository_def()
    graph = repository.asset_graph
    keys = {"/".join(key.path).removeprefix("acme/") for key in graph.get_all_asset_keys()}
    schedules = {schedule.name.removeprefix("acme_") for schedule in repository.schedule_defs}
    sensors = {sensor.name for sensor in repository.sensor_defs}
    checks = {check.name for check in graph.asset_check_keys}
    assert (len(keys), len(schedules), len(sensors), len(checks)) == (17, 6, 3, 11)
    keys = keys - {"report/handed_over_by_people", "delivery/managers"} | {"delivery/<subscription>"}
    for name in keys | schedules | sensors | checks:
        assert f"`{name}`" in NAMES, name


def test_every_table_and_column_is_documented() -> None:
    for table in METADATA.sorted_tables:
        assert f"`{table.name}`" in NAMES
        for column in table.columns:
            assert f"`{column.name}`" in NAMES, column


def commands(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each command with its name as it is typed."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{name} ")
        else:
            yield prefix + name, command


def test_every_command_and_its_options_are_documented() -> None:
    for name, command in commands(typer.main.get_command(app)):
        assert f"`{name}`" in NAMES
        for parameter in command.params:
            for option in (text for text in parameter.opts if text.startswith("--")):
                assert f"`{option}`" in NAMES, (name, option)


def test_every_key_of_the_configuration_is_documented() -> None:
    schema = Config.model_json_schema()
    models = [schema, *schema["$defs"].values()]
    keys = {key for model in models for key in model.get("properties", {})}
    for key in keys | set(CONTRACT_COLUMNS):
        assert f"`{key}`" in CONFIGURATION, key


def test_the_readmes_configurations_are_right_and_short(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)
    assert len(examples) == 3
    for example in examples:
        (path := tmp_path / "reports.yaml").write_text(example)
        assert load_config(path).workspaces
        assert len(example.splitlines()) <= 20


def test_links_in_the_documents_lead_somewhere() -> None:
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")):
        for link in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_threshold_of_a_finding_is_documented() -> None:
    definitions = (ROOT / "docs" / "definitions.md").read_text(encoding="utf-8")
    for name, text in {
        "_MIN_EVENTS": "needs {} assignments", "_MIN_CHANGE_PCT": "at least {} % more or less", "_MIN_SHIFT_POINTS": "at least {} points",
        "_MIN_GONE_PCT": "at least {} % in the previous", "_MIN_SHARE_PCT": "at least {} % |", "_MIN_BOUNCED": "at least {} times", "_MAX_SOURCES": "up to {} sources",
    }.items():  # fmt: skip
        assert text.format(getattr(findings, name)).removesuffix(" |") in definitions, name
    assert f"the {chains._MOST} conversations" in definitions
    assert f"first {chains._STEPS} steps" in definitions

"""The documentation is complete and true: names, examples, commands, queries and links are checked here.

The configurations of the quick start and the commands of the README are executed by
`orchestration/cli/test_first_hour.py` and `system/test_first_hour.py`.
"""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from sqlalchemy import create_engine, text
from sqlalchemy.schema import CreateTable

from assets.config.deployment import Config
from assets.config.loader import load_config
from assets.config.metrics import Metric
from assets.config.presentation import Component
from assets.config.subscription import Subscription
from assets.config.workspace import Workspace
from assets.deliver.delivery import State
from assets.events import CONTRACT_COLUMNS, SOURCE_LABELS
from assets.periods import Preset
from assets.report import chains, findings
from assets.report.model import ReasonCode
from assets.warehouse.schema import METADATA
from orchestration.cli.app import app
from orchestration.definitions import build_definitions
from tests.orchestration.command_line import commands

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md")))
}
PROGRAM = typer.main.get_command(app)


def reference(name: str) -> str:
    return PAGES[f"docs/reference/{name}.md"]


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
    assert (len(keys), len(schedules), len(sensors), len(checks)) == (18, 6, 4, 11)
    keys = keys - {"report/handed_over_by_people", "delivery/managers"} | {"delivery/<subscription>"}
    for name in keys | schedules | sensors | checks:
        assert f"`{name}`" in reference("dagster"), name


def test_every_table_and_column_is_documented() -> None:
    for table in METADATA.sorted_tables:
        _, _, section = reference("tables").partition(f"\n## `{table.name}`\n")
        for column in table.columns:
            assert f"| `{column.name}` |" in section.partition("\n## ")[0], column


def test_every_preset_component_reason_state_and_source_is_documented() -> None:
    for name in (*Preset, *Component, *ReasonCode):
        assert f"`{name}`" in reference("definitions"), name
    for name in State:
        assert f"| `{name}` |" in reference("delivery"), name
    for metric in Metric:
        assert f"`{metric}`" in reference("configuration").partition("### Metrics")[2], metric
    for name, label in SOURCE_LABELS.items():
        assert f"| `{name}` | {label} |" in reference("events"), name
    for code in ReasonCode:
        assert f"| `{code}` |" in PAGES["docs/troubleshooting.md"], code


def test_every_key_of_the_configuration_is_documented() -> None:
    schema = Config.model_json_schema()
    models = [schema, *schema["$defs"].values()]
    keys = {key for model in models for key in model.get("properties", {})}
    for key in keys | set(CONTRACT_COLUMNS):
        assert f"`{key}`" in reference("configuration"), key


def test_every_threshold_of_a_finding_is_documented() -> None:
    for name, sentence in {
        "_MIN_EVENTS": "needs {} assignments", "_MIN_CHANGE_PCT": "at least {} % more or less", "_MIN_SHIFT_POINTS": "at least {} points",
        "_MIN_GONE_PCT": "at least {} % in the previous", "_MIN_SHARE_PCT": "at least {} % |", "_MIN_BOUNCED": "at least {} times", "_MAX_SOURCES": "up to {} sources",
    }.items():  # fmt: skip
        assert sentence.format(getattr(findings, name)) in reference("definitions"), name
    assert f"the {chains._MOST} conversations" in reference("definitions")
    assert f"first {chains._STEPS} steps" in reference("definitions")


COMMANDS = dict(commands(PROGRAM))


def test_every_command_and_its_options_are_documented() -> None:
    rows = {line.split("`")[1]: line for line in reference("command-line").splitlines() if line[:3] == "| `"}
    for name, command in COMMANDS.items():
        for parameter in command.params:
            for option in (each for each in parameter.opts if each.startswith("--")):
                assert f"`{option}`" in rows[name], (name, option)


def test_every_command_in_the_documents_exists_with_its_options() -> None:
    found = list(documented_commands())
    assert len(found) > 60
    for page, line in found:
        words = shlex.split(line, comments=True)
        name = words[0] if words[0] in COMMANDS else " ".join(words[:2])
        assert name in COMMANDS, f"{page}: {line}"
        known = {
            each for parameter in COMMANDS[name].params for each in parameter.opts + parameter.secondary_opts
        }
        for option in (word for word in words if word.startswith("--")):
            assert option in known | {"--help"}, f"{page}: {line}"


def documented_commands() -> Iterator[tuple[str, str]]:
    """Yield each page with the commands in its shell examples and sentences, without the program."""
    for page, content in PAGES.items():
        lines = [line for block in examples(content, "sh") for line in block.splitlines()]
        spans = (span.replace("\n", " ") for span in re.findall(r"`([^`]+)`", without_examples(content)))
        for line in (*lines, *spans):
            if match := re.match(r"(?:\S*/)?(?:assignment-reports|reports\.sh) (?=[a-z])(.*)", line):
                yield page, match[1]


def examples(content: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", content, re.DOTALL | re.MULTILINE)


def without_examples(content: str) -> str:
    return re.sub(r"^```.*?^```", "", content, flags=re.DOTALL | re.MULTILINE)


def test_every_query_in_the_documents_runs() -> None:
    queries = [shlex.split(line)[1] for _, line in documented_commands() if line.startswith("sql ")]
    queries = [query for query in queries if query.startswith("SELECT") and "..." not in query]
    assert len(queries) >= 7
    with create_engine("sqlite://").connect() as connection:
        for table in METADATA.sorted_tables:
            connection.execute(CreateTable(table))
        for query in queries:
            connection.execute(text(query))


YAML_EXAMPLES = [(page, example) for page, content in PAGES.items() for example in examples(content, "yaml")]


@pytest.mark.parametrize(("page", "example"), YAML_EXAMPLES)
def test_every_yaml_example_is_a_valid_configuration(tmp_path: Path, page: str, example: str) -> None:
    (path := tmp_path / "reports.yaml").write_text(yaml.safe_dump(completed(yaml.safe_load(example))))
    assert load_config(path).workspaces, page


def completed(example: dict[str, Any]) -> dict[str, Any]:
    """Return a whole configuration with the keys of *example*, which may be those of a workspace."""
    smtp = {"host": "smtp.acme.example", "sender": "reports@acme.example"}
    deployment = {key: value for key, value in example.items() if key in Config.model_fields}
    own = {
        key: value
        for key, value in example.items()
        if key in Workspace.model_fields and key not in deployment
    }
    assert deployment.keys() | own.keys() == example.keys()
    workspace = {
        "slug": "acme",
        "name": "Acme Support",
        "timezone": "America/New_York",
        "first_day": "2026-01-01",
        "source": {"type": "files", "path": "events/*.csv"},
    }
    tables = {} if "warehouse" in deployment else {"lake": "./lake"}
    base = {**tables, "archive": "./reports_out", "smtp": smtp, "operator": "ops@acme.example"}
    workspaces = [workspace | own | each for each in deployment.get("workspaces", [{}])]
    return base | deployment | {"workspaces": workspaces}


def test_links_in_the_documents_lead_somewhere() -> None:
    for page, content in PAGES.items():
        for link in re.findall(r"\]\((?!https?:|mailto:)([^)]+)", without_examples(content)):
            place, _, anchor = link.partition("#")
            target = ((ROOT / page).parent / place).resolve() if place else ROOT / page
            assert target.exists(), f"{page}: {link}"
            if anchor:
                assert anchor in anchors(target.read_text(encoding="utf-8")), f"{page}: {link}"


def anchors(content: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", without_examples(content), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_page_on_reliability_quotes_the_figures_of_the_last_audit() -> None:
    figures = json.loads((ROOT / "docs" / "audit.json").read_text(encoding="utf-8"))
    rows = [f"| {drive} | {each['harmless']:,} of {each['attacks']:,} |" for drive, each in figures.items()]
    _, _, section = PAGES["docs/reliability.md"].partition("\n## Figures\n")
    assert [row for row in section.splitlines() if row.startswith("| ")][2:] == rows

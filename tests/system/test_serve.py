"""`assignment-reports serve --dev` as `make dev` starts it: the UI works behind the guard, and nothing is left over."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from orchestration.automation.runs import FLOW_ASSETS
from tests.orchestration.simulated_scheduler import configure
from tests.servers.postgres import free_port
from tests.system.dagster_services import ROOT, answers, kill, start
from tests.waiting import until

LAUNCH = """mutation ($assets: [AssetKeyInput!]!) { launchRun(executionParams: {
  mode: "default", executionMetadata: {tags: [{key: "dagster/partition", value: "2026-06-11"}]},
  selector: {repositoryName: "__repository__", repositoryLocationName: "assignment_reports",
             jobName: "__ASSET_JOB", assetSelection: $assets}
}) { __typename ... on PythonError { message } } }"""
BODY = {"query": LAUNCH, "variables": {"assets": [{"path": ["acme", name]} for name in FLOW_ASSETS]}}


@dataclass(frozen=True)
class Served:
    """What one command serves, and the storage in which a launched run appears."""

    port: int
    home: Path
    process: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def runs(self) -> int:
        with dg.DagsterInstance.from_config(str(self.home)) as instance:
            return instance.get_runs_count()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    configure(folder)
    (home := folder / "home").mkdir()
    shutil.copy(ROOT / "dagster.yaml", home)
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONTZPATH": "",
        "DAGSTER_HOME": str(home),
    }
    command = ["assignment-reports", "serve", "--dev", "--port", str(port)]
    with (folder / "log").open("w") as log:
        process = start([*command, "--config", str(folder / "reports.yaml")], environment, log)
        try:
            until(lambda: answers(port), "the UI")
            yield Served(port, home, process)
        finally:
            kill(process)
            process.wait()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    yield page
    page.close()


def test_the_page_of_an_asset_opens_with_its_live_updates(served: Served, page: Page) -> None:
    frames: list[Any] = []

    def keep(frame: Any) -> None:
        frames.append(frame)

    page.on("websocket", lambda opened: opened.on("framereceived", keep))
    page.goto(f"{served.address}/assets/acme/assignment_log")
    definition = page.get_by_role("tab", name="Partitions")
    expect(definition).to_be_visible(timeout=60_000)

    def is_connected() -> bool:
        page.wait_for_timeout(50)  # Playwright takes frames meanwhile
        return any("connection_ack" in str(each) for each in frames)

    until(is_connected, "live updates")


def test_only_a_page_of_the_ui_launches_a_run(served: Served, page: Page) -> None:
    params = {"query": LAUNCH, "variables": json.dumps(BODY["variables"])}
    attacks = [
        httpx.get(f"{served.address}/graphql", params=params),
        httpx.get(f"{served.address}/graphql", params=params, headers={"Host": "evil.example"}),
        httpx.post(f"{served.address}/graphql", params=params, data={}),
        httpx.post(f"{served.address}/graphql", json=BODY, headers={"Origin": "https://evil.example"}),
    ]
    assert [each.status_code for each in attacks] == [405, 421, 415, 403]
    assert served.runs() == 0
    page.goto(served.address)
    answer = page.evaluate(
        """body => fetch("/graphql", {method: "POST", headers: {"Content-Type": "application/json"},
        body: JSON.stringify(body)}).then(answer => answer.json())""",
        BODY,
    )
    assert answer["data"]["launchRun"]["__typename"] == "LaunchRunSuccess", answer
    assert served.runs() == 1


def test_ctrl_c_ends_the_server_its_daemon_and_its_code_server(served: Served) -> None:
    os.killpg(served.process.pid, signal.SIGINT)  # as a terminal does
    assert served.process.wait(90) == 0
    until(lambda: not has_processes(served.process.pid), "the end of all processes", seconds=90)


def has_processes(group: int) -> bool:
    """Tell whether a process of the *group* is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True

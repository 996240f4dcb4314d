"""Dagster's services as processes on loopback, and how a test talks to them."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def ask(port: int, query: str, **variables: Any) -> Any:
    """Return what the webserver at *port* answers to a GraphQL query."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        json.dumps({"query": query, "variables": variables}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["data"]


def answers(port: int) -> bool:
    """Tell whether the webserver is up and has its code locations."""
    try:
        return len(ask(port, "{assetNodes {id}}")["assetNodes"]) > 0
    except OSError:
        return False


def is_open(port: int) -> bool:
    """Tell whether something listens at *port* of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def start(
    command: list[str], environment: dict[str, str], log: Any, begin: Callable[[], None] | None = None
) -> subprocess.Popen[bytes]:
    """Start one of the project's programs as the leader of its own group of processes; it calls *begin* first."""
    program, *arguments = command
    return subprocess.Popen(
        [str(BIN / program), *arguments],
        cwd=ROOT,
        env=environment,
        stdout=log,
        stderr=log,
        start_new_session=True,
        preexec_fn=begin,  # noqa: PLW1509
    )


def kill(service: subprocess.Popen[bytes], number: int = signal.SIGKILL) -> None:
    """Send a signal to a service and all its children."""
    with suppress(ProcessLookupError):
        os.killpg(service.pid, number)


def stop(services: list[subprocess.Popen[bytes]]) -> None:
    """End *services* and their runs, for which a code server that is told to end would wait."""
    for service in reversed(services):
        service.terminate()
    for service in services:
        with suppress(subprocess.TimeoutExpired):
            service.wait(5)
        kill(service)
        service.wait()

"""Serve Dagster's UI behind the guard, and for development the daemon and the code servers with it."""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvicorn
import yaml
from dagster import DagsterInstance
from dagster._cli.proxy_server_manager import ProxyServerManager
from dagster._cli.utils import get_possibly_temporary_instance_for_cli
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._serdes import serialize_value
from dagster._utils.interrupts import setup_interrupt_handlers
from dagster._utils.log import configure_loggers
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.cli import (
    DEFAULT_DB_STATEMENT_TIMEOUT,
    DEFAULT_POOL_MAX_OVERFLOW,
    DEFAULT_POOL_RECYCLE,
)
from dagster_webserver.version import __version__
from starlette.types import ASGIApp

from assets.config.base import LOOPBACK, MIN_SECRET_LENGTH, resolve_secret
from assets.config.deployment import Config
from assets.errors import ConfigError
from orchestration.deployment.instance_files import workspace_of
from orchestration.deployment.listener import Listener
from orchestration.deployment.web_guard import Access, WebGuard

_LOG = logging.getLogger("dagster.webserver")
_POLL_MILLISECONDS = 2000  # as `dagster-webserver` does
_STOP_SECONDS = 10  # for open requests
_DAEMON_STOP_SECONDS = 60  # as `dagster dev` waits


def access_of(config: Config, host: str) -> Access:
    """Return who may use the web server on *host*.

    Raises ConfigError where everybody on a network could use it without a login, or the token is short.
    """
    web = config.web
    if host not in LOOPBACK and not web.has_login:
        raise ConfigError(
            f"--host {host}: other machines could launch runs without a login\n"
            "hint: set `web.token`, or `web.trusted_header` and `web.trusted_proxies`"
        )
    token = resolve_secret(web.token) if web.token else None
    if token is not None and len(token) < MIN_SECRET_LENGTH:
        raise ConfigError(f"`web.token` must have at least {MIN_SECRET_LENGTH} characters")
    return Access(LOOPBACK.union(web.allowed_hosts), token, web.trusted_header, web.trusted_proxies)


def serve_ui(config: Config, listener: Listener, workspace_file: Path | None, *, is_dev: bool) -> None:
    """Serve the UI of the code locations in *workspace_file* (default: those of *config*) until a signal.

    With *is_dev*, the daemon and the code servers are started too, and stopped with it. Raises ConfigError,
    and SystemExit where the daemon ends first.
    """
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "yes")  # of an instance without `dagster.yaml`
    configure_loggers()
    setup_interrupt_handlers()  # SIGTERM ends it as Ctrl-C does
    with suppress(KeyboardInterrupt), ExitStack() as stack:
        instance = stack.enter_context(
            get_possibly_temporary_instance_for_cli("assignment-reports serve", logger=_LOG)
        )
        access = access_of(config, listener.host)  # the instance has read `.env`
        bound = stack.enter_context(listener.bind())
        file = workspace_file or stack.enter_context(_written(workspace_of(config, None)))
        if is_dev:
            file = stack.enter_context(_code_servers(instance, file))
        server = uvicorn.Server(
            uvicorn.Config(
                WebGuard(stack.enter_context(_dagster_app(instance, file)), access),
                log_level="warning",
                proxy_headers=False,  # the guard must see who really sends a request
                server_header=False,
                timeout_graceful_shutdown=_STOP_SECONDS,
            )
        )
        if is_dev:
            stack.enter_context(_daemon(instance, file, server))
        _LOG.info("Dagster's UI: http://%s", listener.address_of(bound))
        server.run(sockets=[bound])  # a signal ends it with KeyboardInterrupt
        raise SystemExit(1)


@contextmanager
def _dagster_app(instance: DagsterInstance, workspace_file: Path) -> Iterator[ASGIApp]:
    """Yield Dagster's own application, with the code locations of *workspace_file*."""
    instance.optimize_for_webserver(
        DEFAULT_DB_STATEMENT_TIMEOUT, DEFAULT_POOL_RECYCLE, DEFAULT_POOL_MAX_OVERFLOW
    )
    with WorkspaceProcessContext(
        instance, WorkspaceFileTarget([str(workspace_file)]), __version__
    ) as context:
        yield create_app_from_workspace_process_context(context, live_data_poll_rate=_POLL_MILLISECONDS)


@contextmanager
def _written(workspace: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the path of a `workspace.yaml` with the content *workspace*, which is removed afterwards."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "workspace.yaml")
        path.write_text(yaml.safe_dump(dict(workspace)))
        yield path


@contextmanager
def _code_servers(instance: DagsterInstance, workspace_file: Path) -> Iterator[Path]:
    """Start a code server for each location of *workspace_file*; yield a file that names the servers."""
    target = WorkspaceFileTarget([str(workspace_file)])
    with (
        ProxyServerManager(instance, target, code_server_log_level="warning") as servers,
        _written({"load_from": servers.get_code_server_specs()}) as served,
    ):
        yield served


@contextmanager
def _daemon(instance: DagsterInstance, workspace_file: Path, server: uvicorn.Server) -> Iterator[None]:
    """Run the daemon; where it ends by itself, *server* ends too."""
    command = [sys.executable, "-m", "dagster._daemon", "run"]
    options = ["--instance-ref", serialize_value(instance.get_ref()), "--workspace", str(workspace_file)]
    process = subprocess.Popen([*command, *options])  # noqa: S603 - of this installation

    def end_with_daemon() -> None:
        code = process.wait()
        if not server.should_exit:
            _LOG.error("the daemon ended with exit code %s", code)
            server.should_exit = True

    threading.Thread(target=end_with_daemon, daemon=True).start()
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(_DAEMON_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()

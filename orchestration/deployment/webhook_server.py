"""Serve the webhook receiver of all workspaces whose source receives webhooks, with uvicorn."""

import resource
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import uvicorn

from assets.config.base import resolve_secret
from assets.config.deployment import Config
from assets.config.source import WebhookSource
from assets.errors import ConfigError
from assets.sources.webhooks.receiver import Address, receiver_app
from orchestration.automation.status import read_status
from orchestration.deployment.connection_limits import Limits, WaitingConnections, limited_connections
from orchestration.deployment.listener import Listener
from orchestration.deployment.status_metrics import StatusCollector

_FILES = 8_192
_OWN_FILES = 200


def webhook_addresses(settings: Config, say: Callable[[str], None]) -> dict[str, Address]:
    """Return the webhook addresses by workspace slug; skip a workspace without keys, and report it to *say*.

    Raises ConfigError if none is left.
    """
    addresses = {}
    for workspace in settings.workspaces:
        if isinstance(workspace.source, WebhookSource):
            try:
                addresses[workspace.slug] = _webhook_address(workspace.slug, workspace.source)
            except ConfigError as error:
                say(f"error: {workspace.slug}: {error}")
    if not addresses:
        raise ConfigError("no workspace has a source that receives webhooks, such as `type: respond_io`")
    return addresses


def _webhook_address(slug: str, source: WebhookSource) -> Address:
    keys = tuple(resolve_secret(key) for key in source.signing_keys)
    return Address(slug, source.type, keys, resolve_secret(source.inbox), source.max_per_second)


def _read_clock() -> datetime:
    return datetime.now(UTC)


def serve_webhooks(
    settings: Config, mistakes: Sequence[str], listener: Listener, say: Callable[[str], None]
) -> None:
    """Serve until a signal ends the process; active requests are answered first.

    `/metrics` has the status of the deployment, too, with the *mistakes* of workspaces that are left out.
    """
    status = StatusCollector(lambda now: read_status(settings, mistakes, now), _read_clock)
    waiting = WaitingConnections(Limits())
    app = receiver_app(webhook_addresses(settings, say), _read_clock, status, waiting.closed)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http=limited_connections(waiting),
            ws="none",
            access_log=False,
            server_header=False,
            limit_concurrency=_raise_file_limit() - _OWN_FILES,
            timeout_graceful_shutdown=20,
            log_level="warning",
        )
    )
    server.run(sockets=[listener.passed_or_bind()])


def _raise_file_limit() -> int:
    """Allow as many open files as the system does, at most 8,192, and return the number."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = _FILES if most == resource.RLIM_INFINITY else min(most, _FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, most))
    return soft

"""The extras of the distribution: the modules of each, and the error where one is not installed.

`assets/config/needed_extras.py` states which configuration key needs which extra.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from assets.errors import ConfigError

DISTRIBUTION = "assignment-reports"
EXTRAS = {
    "postgresql": ("adbc_driver_postgresql", "dagster_postgres", "psycopg"),
    "celery": ("dagster_celery", "redis"),
    "k8s": ("dagster_k8s",),
    "s3": ("s3fs",),
    "sftp": ("paramiko",),
    "webhooks": ("prometheus_client", "starlette", "uvicorn"),
    "respond-io": ("httpx", "tenacity"),
}
"""Top-level modules of each extra, for the packages listed in pyproject.toml; `all` combines all extras."""


class MissingExtraError(ConfigError):
    """The configuration's *key* needs an *extra* that is not installed."""

    def __init__(self, extra: str, key: str) -> None:
        self.extra = extra
        self.need = f'{key}: requires the extra "{extra}"'
        super().__init__(f"{self.need}: {install_command(extra)}")


def install_command(extra: str) -> str:
    """Return the command that installs *extra*."""
    return f'pip install "{DISTRIBUTION}[{extra}]"'


def is_installed(extra: str) -> bool:
    """Return whether every module of *extra* can be found; nothing is imported."""
    return all(find_spec(module) is not None for module in EXTRAS[extra])


def require(extra: str, key: str) -> None:
    """Raise MissingExtraError where *extra* is not installed; *key* is the key that needs it."""
    if not is_installed(extra):
        raise MissingExtraError(extra, key)


def is_s3(place: Any) -> bool:
    """Return whether a configured folder is in an S3-compatible store; other stores have no extra."""
    return not isinstance(place, Path) and getattr(place, "protocol", "") in {"s3", "s3a"}


def require_store(place: Any, key: str) -> None:
    """Raise MissingExtraError where the folder *place* is in a store whose extra is not installed."""
    if is_s3(place):
        require("s3", key)

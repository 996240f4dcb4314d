"""The extras of the distribution: the modules that each brings, and the error where one is not installed.

Which key of a configuration needs which extra is in `assets/config/needed_extras.py`.
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
"""Top-level modules of each extra, as pyproject.toml lists its packages; `all` is every one of them."""


class MissingExtraError(ConfigError):
    """What the configuration's *key* asks for needs an *extra* that is not installed."""

    def __init__(self, extra: str, key: str) -> None:
        self.extra = extra
        self.need = f'{key}: needs the extra "{extra}"'
        super().__init__(f"{self.need}: {install_command(extra)}")


def install_command(extra: str) -> str:
    """Return the command that installs *extra*."""
    return f'pip install "{DISTRIBUTION}[{extra}]"'


def is_installed(extra: str) -> bool:
    """Tell whether every module of *extra* can be found; nothing is imported."""
    return all(find_spec(module) is not None for module in EXTRAS[extra])


def require(extra: str, key: str) -> None:
    """Raise MissingExtraError where *extra* is not installed; *key* is what asks for it."""
    if not is_installed(extra):
        raise MissingExtraError(extra, key)


def is_s3(place: Any) -> bool:
    """Tell whether a folder of the configuration is in an S3-compatible store; other stores have no extra."""
    return not isinstance(place, Path) and getattr(place, "protocol", "") in {"s3", "s3a"}


def require_store(place: Any, key: str) -> None:
    """Raise MissingExtraError where the folder *place* is in a store whose extra is not installed."""
    if is_s3(place):
        require("s3", key)

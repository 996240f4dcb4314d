"""Checks of the installation: what the machine and the configuration need, each with a fix.

Add a check of one machine here; what is wrong with a configuration belongs in `config_check.py`.
"""

import os
import shutil
import subprocess
import sys
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from uuid import uuid4

from pydantic import SecretStr
from sqlalchemy import select

from assets.config.base import resolve_secret
from assets.config.deployment import Config, missing_variables
from assets.config.loader import load_config
from assets.config.needed_extras import missing_extras
from assets.config.source import WebhookSource
from assets.errors import ConfigError, ReportError
from assets.extract.input_summary import count_text
from assets.runtime.atomic_files import write_exclusive
from assets.runtime.extras import install_command
from assets.sources.webhooks.inbox import last_received_at
from assets.warehouse.base import open_warehouse
from assets.warehouse.orphans import find_orphans
from assets.warehouse.schema import LOAD_COUNTS

_PACKAGES = (
    "dagster",
    "duckdb",
    "jinja2",
    "matplotlib",
    "pandas",
    "pyarrow",
    "sqlalchemy",
    "tzdata",
    "weasyprint",
)
_FONTS = {
    "Noto Sans": "fonts-noto-core",
    "Noto Sans Arabic": "fonts-noto-core",
    "Noto Sans Hebrew": "fonts-noto-core",
    "Noto Sans Devanagari": "fonts-noto-core",
    "Noto Sans Thai": "fonts-noto-core",
    "Noto Sans CJK SC": "fonts-noto-cjk",
    "Noto Color Emoji": "fonts-noto-color-emoji",
}
_LEAST_DISK = 1 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; *remedy* is the fix."""

    what: str
    is_fine: bool
    seen: str
    remedy: str = ""


def examine_machine(config: Path) -> Iterator[Finding]:
    """Yield what was found, the machine first, then what the configuration names."""
    python = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", sys.version_info >= (3, 11), python, "install Python 3.11 or later")
    yield from (_check_package(name) for name in _PACKAGES)
    yield _check_pango()
    yield from _check_fonts()
    pinned = not zoneinfo.TZPATH and bool(zoneinfo.available_timezones())
    yield Finding(
        "Time zones", pinned, "only the tzdata package is used", "make install, and unset PYTHONTZPATH"
    )
    yield from _check_configuration(config)


def _check_package(name: str) -> Finding:
    try:
        return Finding(name, is_fine=True, seen=version(name))
    except PackageNotFoundError:
        return Finding(name, is_fine=False, seen="not installed", remedy="make install")


def _check_pango() -> Finding:
    try:
        from weasyprint.text.ffi import pango
    except OSError as error:
        remedy = "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
        return Finding("Pango", is_fine=False, seen=str(error).splitlines()[0], remedy=remedy)
    number = pango.pango_version()
    return Finding("Pango", is_fine=True, seen=f"{number // 10000}.{number // 100 % 100}.{number % 100}")


def _check_fonts() -> Iterator[Finding]:
    if not (listing := shutil.which("fc-list")):
        yield Finding(
            "Fonts", is_fine=False, seen="fontconfig is not installed", remedy="apt-get install fontconfig"
        )
        return
    listed = subprocess.run([listing, ":", "family"], capture_output=True, text=True, check=True).stdout  # noqa: S603
    families = {family.strip() for line in listed.splitlines() for family in line.split(",")}
    for family, package in _FONTS.items():
        found = family in families
        yield Finding(family, found, "installed" if found else "not installed", f"apt-get install {package}")


def _check_configuration(path: Path) -> Iterator[Finding]:
    try:
        config = load_config(path)
    except ConfigError as error:
        yield Finding("Configuration", is_fine=False, seen=str(error), remedy=f"correct {path}")
        return
    yield Finding(
        "Configuration", is_fine=True, seen=f"{path}, {count_text(len(config.workspaces), 'workspace')}"
    )
    for sentence in missing_variables(config):
        yield Finding("Environment", is_fine=False, seen=sentence, remedy="export the variable")
    missing = missing_extras(config)
    for each in missing.values():
        yield Finding("Extra", is_fine=False, seen=each.need, remedy=install_command(each.extra))
    if config.warehouse is not None and "warehouse" not in missing:
        yield _check_warehouse(config)
    for orphan in find_orphans(config):
        remedy = f"rename it, if the slug was renamed in {path}; else remove it"
        yield Finding("Orphan", is_fine=False, seen=f"{orphan} belongs to no workspace", remedy=remedy)
    yield from _check_webhooks(config)
    if config.broker is not None and "execution" not in missing:
        yield _check_broker(config.broker)
    for what, folder in (("Lake", config.lake), ("Archive", config.archive)):
        if folder is None or what.lower() in missing:
            continue
        if not isinstance(folder, Path):
            yield _object_store(what, folder)
            continue
        there = next(parent for parent in (folder, *folder.parents) if parent.exists())
        yield Finding(what, os.access(there, os.W_OK), str(folder), f"make {there} writable")
        free = shutil.disk_usage(there).free
        yield Finding(f"{what} disk", free > _LEAST_DISK, f"{free >> 30} GiB free", "free at least 1 GiB")


def _check_warehouse(config: Config) -> Finding:
    slug = config.workspaces[0].slug
    try:
        open_warehouse(config, slug).query(select(LOAD_COUNTS.c.local_day).limit(1))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what was seen
        seen = " ".join(str(error).split())
        return Finding("Warehouse", is_fine=False, seen=seen, remedy="start it, or correct `warehouse`")
    return Finding("Warehouse", is_fine=True, seen=f"schema {slug} can be read")


def _check_webhooks(config: Config) -> Iterator[Finding]:
    """Tell when each workspace last stored a webhook: who sends them may have switched them off."""
    for workspace in config.workspaces:
        if not isinstance(workspace.source, WebhookSource):
            continue
        try:
            last = last_received_at(resolve_secret(workspace.source.inbox), workspace.slug)
        except ReportError as error:
            yield Finding(
                "Webhooks", is_fine=False, seen=f"{workspace.slug}: {error}", remedy="correct `inbox`"
            )
            continue
        seen = (
            f"{workspace.slug}: last stored {last:%Y-%m-%d %H:%M:%S} UTC"
            if last
            else f"{workspace.slug}: none stored yet"
        )
        yield Finding(
            "Webhooks",
            last is not None,
            seen,
            "check that `assignment-reports webhooks` runs and is reachable",
        )


def _check_broker(address: SecretStr) -> Finding:
    from celery import Celery

    try:
        with Celery(broker=resolve_secret(address)).connection_for_write(connect_timeout=5) as connection:
            connection.ensure_connection(max_retries=1)
            seen = connection.as_uri()
    except Exception as error:  # noqa: BLE001 - each broker has its own
        return Finding("Broker", is_fine=False, seen=str(error), remedy="start it, or correct `broker`")
    return Finding("Broker", is_fine=True, seen=f"{seen} answers")


def _object_store(what: str, folder: Path) -> Finding:
    """Write, read and remove an object, and try to write it where it is already."""
    probe = folder / f".probe-{uuid4().hex}"
    try:
        write_exclusive(probe, b"1")
        is_fine = probe.read_bytes() == b"1"
        try:
            write_exclusive(probe, b"2")
        except FileExistsError:
            pass
        else:
            is_fine = False
        probe.unlink()
    except Exception as error:  # noqa: BLE001 - each store has its own
        return Finding(
            what, is_fine=False, seen=f"{folder}: {error}", remedy="correct the bucket or its credentials"
        )
    return Finding(what, is_fine, str(folder), "use a store that supports If-None-Match")

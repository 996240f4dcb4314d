"""Which workspaces a code location has: the key is the slug's hash, so that a new workspace moves no other.

A process that makes one run is told its workspaces by `ONLY`, and needs no others: starting a run costs
the same, however many workspaces there are.
"""

import os
from collections.abc import Iterable
from zlib import crc32

from dagster import AssetKey

from assets.config.deployment import Config

ONLY = "ASSIGNMENT_REPORTS_ONLY"
_NAME = "assignment_reports"


def attribute_of(number: int) -> str:
    """Return what the definitions of location *number*, from 1 on, are called in `definitions.py`."""
    return f"location_{number}"


def name_of(number: int, config: Config) -> str:
    """Return what Dagster calls location *number*."""
    return _NAME if config.locations == 1 else f"{_NAME}_{number}"


def part_of(config: Config, number: int) -> Config:
    """Return *config* with the workspaces of location *number*, of a run's where there is one."""
    only = os.environ.get(ONLY)
    chosen = tuple(
        each
        for each in config.workspaces
        if (
            each.slug in only.split(",")
            if only
            else crc32(each.slug.encode()) % config.locations == number - 1
        )
    )
    return config.model_copy(update={"workspaces": chosen})


def only_of(keys: Iterable[AssetKey] | None) -> str:
    """Return the value of `ONLY` for a run of assets; it is empty where some belongs to no workspace."""
    found = list(keys or ())
    return ",".join(sorted({key.path[0] for key in found})) if all(len(key.path) > 1 for key in found) else ""

"""Assign workspaces to code locations, by a hash of the slug, so that adding one never moves another.

The environment variable `ONLY` limits the process of a run to its own workspaces: starting a run takes the
same time however many workspaces there are.
"""

import os
from collections.abc import Iterable
from zlib import crc32

from dagster import AssetKey

from assets.config.deployment import Config

ONLY = "ASSIGNMENT_REPORTS_ONLY"
_NAME = "assignment_reports"


def attribute_of(number: int) -> str:
    """Return the attribute of `definitions.py` for location *number* (from 1 on)."""
    return f"location_{number}"


def name_of(number: int, config: Config) -> str:
    """Return the name of location *number* in Dagster."""
    return _NAME if config.locations == 1 else f"{_NAME}_{number}"


def part_of(config: Config, number: int) -> Config:
    """Return *config* with the workspaces of location *number*, or of the run if `ONLY` is set."""
    only = os.environ.get(ONLY)
    selected = tuple(
        workspace
        for workspace in config.workspaces
        if (
            workspace.slug in only.split(",")
            if only
            else crc32(workspace.slug.encode()) % config.locations == number - 1
        )
    )
    return config.model_copy(update={"workspaces": selected})


def only_of(keys: Iterable[AssetKey] | None) -> str:
    """Return the value of `ONLY` for a run of assets; empty if one of them belongs to no workspace."""
    asset_keys = list(keys or ())
    return (
        ",".join(sorted({key.path[0] for key in asset_keys}))
        if all(len(key.path) > 1 for key in asset_keys)
        else ""
    )

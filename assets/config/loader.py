"""Reading of the configuration file: YAML to validated models, or an error that lists every mistake.

The keys are described in `config/deployment.py` and the modules beside it.
"""

import re
from collections.abc import Hashable
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from assets.config.base import quote
from assets.config.deployment import Config
from assets.config.mistakes import mistakes_of
from assets.errors import ConfigError

_NAMED_IN_PROBLEM = re.compile("alias|anchor|tag")


class _UniqueKeyLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # libyaml where it is
    """A YAML loader that rejects duplicate keys, and leaves dates to the models, which know their keys."""

    yaml_constructors = yaml.SafeLoader.yaml_constructors | {
        "tag:yaml.org,2002:timestamp": yaml.SafeLoader.construct_yaml_str
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.MarkedYAMLError(
                    problem=f"duplicate key {quote(key)}", problem_mark=node.start_mark
                )
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return mapping


def load_config(path: Path) -> Config:
    """Read and validate the file at *path*.

    Raises ConfigError with every mistake, one per line: `workspaces.0.timezone: ...`.
    """
    return _validate_config(path, _read_yaml(path))


def load_usable(path: Path) -> tuple[Config, tuple[str, ...]]:
    """Read the file at *path* without its invalid workspaces; return the configuration and their mistakes.

    Raises ConfigError where the file cannot be read, another part is invalid, or no workspace is valid.
    """
    raw = _read_yaml(path)
    try:
        return _validate_config(path, raw), ()
    except ConfigError as error:
        entries = raw.get("workspaces") if isinstance(raw, dict) else None
        if not isinstance(entries, list):
            raise
        usable: dict[str, Any] = {}
        for entry in entries:
            with suppress(ConfigError):
                (workspace,) = _validate_config(path, raw | {"workspaces": [entry]}).workspaces
                usable.setdefault(workspace.slug.replace("-", "_"), entry)
        if not usable:
            raise
        return _validate_config(path, raw | {"workspaces": [*usable.values()]}), tuple(
            str(error).splitlines()
        )


def _read_yaml(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)  # noqa: S506 - a SafeLoader
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: file not found\nhint: name it with --config, or write it with `assignment-reports init`"
        ) from None
    except yaml.MarkedYAMLError as error:  # its own text would quote the line, and any secret in it
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{path}: line {line}: {_describe_problem(error)}") from None
    except (OSError, ValueError, yaml.YAMLError) as error:  # such as a number of thousands of digits
        raise ConfigError(f"{path}: {error}") from None
    except RecursionError:
        raise ConfigError(f"{path}: its keys are nested too deeply") from None


def _describe_problem(error: yaml.MarkedYAMLError) -> str:
    """Return what is wrong with a line, without the text after a * or a !: both may begin a password."""
    problem = error.problem or "is not YAML"
    if not _NAMED_IN_PROBLEM.search(problem):
        return problem
    return "a text that begins with *, & or ! must be in quotes"


def _validate_config(path: Path, raw: Any) -> Config:
    try:
        return Config.model_validate(raw, context={"folder": path.resolve().parent})
    except ValidationError as error:
        raise ConfigError("\n".join(f"{path}: {each}" for each in mistakes_of(error, Config))) from None

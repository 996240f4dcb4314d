"""Mistakes in a configuration: a sentence for each error of pydantic, with the path of its key.

The sentences of our own checks are written where they are raised.
"""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from assets.config.base import FORMATS

_BRANCH = re.compile(r"\[|^(constrained-)?(int|str|float)$")
"""What pydantic calls a branch of a union of plain types: `literal['all']`, `constrained-int`."""


def mistakes_of(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Return every mistake that validating a *model* has found: `workspaces.0.timezone: ...`."""
    return [f"{_key_path(each['loc'])}: {_describe(each, model)}" for each in error.errors()]


def _key_path(location: tuple[int | str, ...]) -> str:
    """Return the path of a key, without the types that pydantic has in the location of a union."""
    parts = [
        str(part)
        for before, part in zip((None, *location), location, strict=False)
        if before != "source" and not _BRANCH.search(str(part))
    ]
    return ".".join(parts) or "(file)"


def _describe(error: ErrorDetails, model: type[BaseModel]) -> str:
    location, context = error["loc"], error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            near = get_close_matches(str(location[-1]), _known_keys(location, model), n=1)
            return f"unknown key; did you mean `{near[0]}`?" if near else "unknown key"
        case "missing":
            return "required"
        case "value_error":
            return str(context["error"])
        case "union_tag_invalid":
            return f"unknown type {context['tag']!r}; expected one of {context['expected_tags']}"
        case "union_tag_not_found":
            return f"key {context['discriminator']} is required"
    message = re.sub(
        r"^\w+ should |, unable to .*", lambda match: "must " * (match.start() == 0), error["msg"]
    )
    message = message.replace("a valid tuple", "a list")
    if error["type"] == "string_pattern_mismatch":
        message = FORMATS.get(context["pattern"], message)
    value = error["input"]
    has_secrets = {"source", "mask_key", "token"} & set(location)
    is_shown = isinstance(value, str | int | float | None) and not has_secrets
    return f"{message}, got {value!r}" if is_shown else message


def _known_keys(location: tuple[int | str, ...], model: type[BaseModel]) -> list[str]:
    """Return the keys that *model* has at *location*, whose last part is an unknown key."""
    models: list[type[BaseModel]] = [model]
    for part in location[:-1]:
        fields = [model.model_fields[part] for model in models if part in model.model_fields]
        models = list(_models_in(tuple(field.annotation for field in fields))) if fields else models
    return [name for model in models for name in model.model_fields]


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models that the type *annotation* names: `tuple[Recipient, ...] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in annotation if isinstance(annotation, tuple) else get_args(annotation):
        yield from _models_in(part)

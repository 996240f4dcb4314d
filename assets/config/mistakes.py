"""Mistakes in a configuration: a sentence for each error of pydantic, with the path of its key.

The sentences of our own checks are written where they are raised. No value is printed of a key that has a
secret, or whose neighbors have one: lines are swapped easily.
"""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from assets.config.base import FORMATS, in_message, quote

_INTEGER, _NUMBER, _YES_OR_NO = "must be a valid integer", "must be a number", "must be true or false"
_DATE, _TIME = "must be a valid date such as 2026-03-01", 'must be a time of day such as "06:30"'
_MAPPING = "must be a mapping of keys to values"
_STRUCTURE = {"model_type", "model_attributes_type", "dict_type", "union_tag_not_found"}
"""Errors of a whole part of the configuration, whose text may be a secret at the wrong place."""

SENTENCES = {
    "bool_parsing": _YES_OR_NO,
    "bool_type": _YES_OR_NO,
    "date_from_datetime_inexact": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_type": _DATE,
    "dict_type": _MAPPING,
    "enum": "must be {expected}",
    "extra_forbidden": "unknown key",
    "finite_number": "must be a finite number",
    "float_parsing": _NUMBER,
    "float_type": _NUMBER,
    "greater_than": "must be greater than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "int_from_float": _INTEGER,
    "int_parsing": _INTEGER,
    "int_parsing_size": _INTEGER,
    "int_type": _INTEGER,
    "invalid_key": "must be a text: write the key in quotes",
    "ip_any_network": "must be an address, or a network such as 10.0.0.0/8",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "must be {expected}",
    "missing": "required",
    "model_attributes_type": _MAPPING,
    "model_type": _MAPPING,
    "path_type": "must be the path of a file or folder",
    "string_pattern_mismatch": "must have another form",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "string_type": "must be a valid string",
    "string_unicode": "must be a text in UTF-8",
    "time_parsing": _TIME,
    "time_type": _TIME,
    "too_short": "must have at least {min_length} items",
    "tuple_type": "must be a list",
    "union_tag_invalid": "unknown type {tag}; expected one of {expected_tags}",
    "union_tag_not_found": "key {discriminator} is required",
    "value_error": "{error}",
}
"""What is wrong, for each type of error that validating a configuration can give."""

_BRANCH = re.compile(r"\[|^(constrained-)?(int|str|float)$")
"""What pydantic calls a branch of a union of plain types: `literal['all']`, `constrained-int`."""


def mistakes_of(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Return every mistake that validating a *model* has found: `workspaces.0.timezone: ...`."""
    return [f"{_key_path(each['loc'])}: {_describe(each, model)}" for each in error.errors()]


def _key_path(location: tuple[int | str, ...]) -> str:
    """Return the path of a key, without the types that pydantic has in the location of a union."""
    parts = [
        in_message(str(part))
        for before, part in zip((None, *location), location, strict=False)
        if before != "source" and not _BRANCH.search(str(part))
    ]
    return ".".join(parts) or "(file)"


def _describe(error: ErrorDetails, model: type[BaseModel]) -> str:
    location, context, value = error["loc"], error.get("ctx", {}), error["input"]
    sentence = SENTENCES.get(error["type"], "is not valid")
    if error["type"] == "string_pattern_mismatch":
        sentence = FORMATS.get(context["pattern"], sentence)
    if "tag" in context:
        context = context | {"tag": quote(context["tag"])}
    message = re.sub(r"\b1 (\w+)s\b", r"1 \1", sentence.format(**context))
    match error["type"]:
        case "extra_forbidden":
            near = get_close_matches(str(location[-1]), _known_keys(location, model), n=1)
            return f"{message}; did you mean `{near[0]}`?" if near else message
        case "missing" | "value_error" | "union_tag_invalid" | "invalid_key":
            return message
    is_shown = isinstance(value, str | int | float | None) and not _has_secrets(error, model)
    return f"{message}, got {quote(value)}" if is_shown else message


def _has_secrets(error: ErrorDetails, model: type[BaseModel]) -> bool:
    """Return whether the value at *error* may be a secret."""
    return error["type"] in _STRUCTURE or not _secret_keys(model).isdisjoint(error["loc"])


@cache
def _secret_keys(model: type[BaseModel]) -> frozenset[str]:
    """Return the keys within *model* that have a secret, or one value whose parts have one: `smtp`."""
    keys = set[str]()
    for name, field in model.model_fields.items():
        is_list = get_origin(field.annotation) is tuple
        for part in _models_in(field.annotation):
            keys |= _secret_keys(part)
            if not is_list and any(_is_secret(each.annotation) for each in part.model_fields.values()):
                keys.add(name)
        if _is_secret(field.annotation):
            keys.add(name)
    return frozenset(keys)


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(map(_is_secret, get_args(annotation)))


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

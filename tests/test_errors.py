"""The tree of errors: what its page shows is what there is, and a step's retry follows from the class."""

import errno
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from sqlalchemy.exc import OperationalError

import assets
from assets import errors
from assets.errors import (
    ConcurrentLoad,
    ConfigError,
    PermanentError,
    ReportError,
    SourceError,
    SourceUnavailable,
    SourceUnreadable,
    TotalsDiffer,
    TransientError,
)
from assets.warehouse.resource import retrying_transient_errors

BRANCHES = (ConfigError, TransientError, PermanentError)


def attempt(retry_number: int) -> Any:
    """Return the only part of a step's context that retries depend on."""
    return SimpleNamespace(retry_number=retry_number)


def below(error: type[ReportError]) -> Iterator[type[ReportError]]:
    for each in error.__subclasses__():
        yield each
        yield from below(each)


def every_error() -> set[type[ReportError]]:
    for module in pkgutil.walk_packages(assets.__path__, "assets."):
        if "migrations" not in module.name:
            import_module(module.name)
    return set(below(ReportError))


def test_the_page_shows_every_error_below_its_branch_with_its_module_and_exit_code() -> None:
    branch, shown = "", {}
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r" {4}([│├└─ ]*)(\w+) *(\d?) *(\S+\.py)?", line):
            depth, name, code, module = found.groups()
            branch = name if depth in {"├── ", "└── "} else branch
            shown[name] = (branch, code, module)
    shown.pop("ReportError")
    there = {error.__name__: error for error in every_error() - {SourceError}}
    assert shown.keys() == there.keys()
    for name, (branch, code, module) in shown.items():
        error = there[name]
        assert [each.__name__ for each in BRANCHES if issubclass(error, each)] == [branch]
        assert error.exit_code == int(code or there[branch].exit_code)
        assert error.__module__.replace(".", "/") == f"assets/{(module or 'errors.py').removesuffix('.py')}"


def test_a_step_whose_retries_are_used_up_fails_with_the_errors_text() -> None:
    with pytest.raises(dg.Failure, match="away"), retrying_transient_errors(attempt(3)):
        raise SourceUnavailable("away")


@pytest.mark.parametrize(
    ("error", "retry_number", "pause"),
    [
        (SourceUnavailable("away"), 0, 30),
        (SourceUnavailable("away"), 2, 120),
        (ConcurrentLoad("other days"), 1, 20),
        (OperationalError("SELECT 1", {}, Exception("gone")), 0, 10),
        (ConnectionResetError(), 0, 10),
        (OSError(errno.ENOSPC, "disk full"), 1, 60),
    ],
)
def test_a_step_is_retried_after_a_transient_error(error: Exception, retry_number: int, pause: int) -> None:
    with pytest.raises(dg.RetryRequested) as caught, retrying_transient_errors(attempt(retry_number)):
        raise error
    assert caught.value.seconds_to_wait == pause


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (SourceUnreadable("no file"), "no file"),
        (TotalsDiffer("1, but 2"), "1, but 2"),
        (ConfigError("wrong"), "wrong"),
        (PermissionError(errno.EACCES, "no", "/lake/acme"), "/lake/acme: Permission denied; give the user"),
    ],
)
def test_a_step_fails_at_once_after_another_expected_error(error: Exception, text: str) -> None:
    with pytest.raises(dg.Failure, match=text) as caught, retrying_transient_errors(attempt(0)):
        raise error
    assert not caught.value.allow_retries

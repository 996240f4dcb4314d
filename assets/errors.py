"""The errors people meet: each names what is wrong and what to do.

Nothing else belongs here; a bug stays a plain Python exception.
"""

from typing import ClassVar


class ReportError(Exception):
    """Base of every expected error; `exit_code` is what the command line ends with."""

    exit_code: ClassVar[int] = 1


class ConfigError(ReportError):
    """The configuration is wrong; the text lists every mistake with its key's path."""

    exit_code = 2


class NoSuchReportDate(ReportError, ValueError):  # noqa: N818 - says what happened
    """A report date that has not begun, or that its zone skipped."""

    exit_code = 2


class SourceUnavailable(ReportError):  # noqa: N818 - says what is so
    """A source cannot be read now; *permanent* where trying again cannot help."""

    exit_code = 3

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class TotalsDiffer(ReportError):  # noqa: N818 - says what happened
    """Two totals that must be equal are not; nothing is archived."""

    exit_code = 4

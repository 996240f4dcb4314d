"""The errors people meet: each names what is wrong and what to do.

Nothing else belongs here; a bug stays a plain Python exception.
"""

from typing import ClassVar


class ReportError(Exception):
    """Base of every expected error.

    `exit_code` is what the command line ends with, `may_pass` tells whether trying again can help.
    """

    exit_code: ClassVar[int] = 1
    may_pass = False


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
        self.may_pass = not permanent


class Overtaken(ReportError):  # noqa: N818 - says what happened
    """Another process stored some of the same days meanwhile: what was to be stored may be older."""

    exit_code = 3
    may_pass = True


class ProcessKilled(ReportError):  # noqa: N818 - says what happened
    """A process that worked for this one was killed, as systems do where no memory is left."""

    exit_code = 5
    may_pass = True


class TotalsDiffer(ReportError):  # noqa: N818 - says what happened
    """Two totals that must be equal are not; nothing is archived."""

    exit_code = 4

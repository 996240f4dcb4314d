"""The errors that people meet, as one tree. Each says what is wrong, where, and what to do.

    ReportError                    exit code 1
    ├── ConfigError                2  the configuration, or what a command was asked for, is wrong
    │   ├── NoSuchReportDate
    │   ├── MissingExtraError         runtime/extras.py
    │   ├── NoSuchDelivery            deliver/ledger.py
    │   └── DecisionRefused               deliver/delivery.py
    ├── TransientError             1  trying again can help: a step of Dagster is retried
    │   ├── SourceUnavailable      3
    │   ├── StorageUnavailable     3
    │   ├── ConcurrentLoad              3
    │   ├── ProcessKilled          5
    │   ├── OutOfMemory            5
    │   ├── AlreadyRunning         6  state/run_lock.py
    │   ├── ChannelUnavailable        deliver/channels/base.py
    │   │   └── LoginRefused          deliver/channels/base.py
    │   ├── ClaimLost                 deliver/ledger_session.py
    │   ├── ReportOutdated           deliver/recipient_variants.py
    │   └── AlertNotSent              deliver/operator_alerts.py
    └── PermanentError             1  only a change helps: a step fails at once
        ├── SourceUnreadable       3
        ├── StorageUnusable        3
        ├── TotalsDiffer           4
        ├── NotArchived               archive/archive.py
        ├── MailLost                  deliver/outbox.py
        └── MailNotSafe               deliver/channels/mime.py

Add an error below the branch that says what helps against it. A bug stays a plain Python exception.
"""

from typing import ClassVar


class ReportError(Exception):
    """Base of every expected error."""

    exit_code: ClassVar[int] = 1
    """What the command line ends with."""


class ConfigError(ReportError):
    """The configuration or a command's arguments are wrong; the text lists every mistake with its place."""

    exit_code = 2


class TransientError(ReportError):
    """Trying again can help."""

    retry_seconds: ClassVar[int] = 30
    """The pause before the first retry of a step; each further one is twice as long."""


class PermanentError(ReportError):
    """Trying again cannot help: something must be corrected first."""


class NoSuchReportDate(ConfigError, ValueError):
    """A report date that has not begun, or that its zone skipped."""


class SourceError(ReportError):
    """A source cannot be read, now or at all."""

    exit_code = 3


class SourceUnavailable(SourceError, TransientError):
    """A source cannot be read now."""


class SourceUnreadable(SourceError, PermanentError):
    """A source cannot be read as it is configured, or as it is."""


class StorageUnavailable(TransientError):
    """A file, a folder or a database cannot be used now: its disk is full, or its server is away."""

    exit_code = 3


class StorageUnusable(PermanentError):
    """A file, a folder or a database cannot be used as it is: no permission, read-only, or damaged."""

    exit_code = 3


class ConcurrentLoad(TransientError):
    """Another process stored some of the same days meanwhile: what was to be stored may be older."""

    exit_code = 3
    retry_seconds = 10


class ProcessKilled(TransientError):
    """A process that worked for this one was killed, as systems do where no memory is left."""

    exit_code = 5


class OutOfMemory(TransientError):
    """This process was given no more memory."""

    exit_code = 5


class TotalsDiffer(PermanentError):
    """Two totals that must be equal are not; nothing is archived."""

    exit_code = 4

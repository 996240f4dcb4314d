"""`assignment-reports run --send`: what is due is loaded, made and delivered, as cron needs it.

What is due in a workspace is decided and done in `automation/due_run.py`; what was not delivered is mailed to
the operator as under Dagster.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from assets.archive.catalog import Catalog
from assets.archive.index_pages import is_index_due, write_index
from assets.config.deployment import Config
from assets.config.subscription import Subscription
from assets.config.workspace import Workspace
from assets.deliver.delivery import Delivery, State
from assets.deliver.dispatcher import Dispatcher
from assets.deliver.failures import CONFIGURATION, LOAD, PLANNING, REPORTS, Failure, observe_failures
from assets.deliver.ledger import Ledger
from assets.deliver.operator_alerts import AlertNotSent, send_alerts
from assets.deliver.undelivered import observe_deliveries
from assets.errors import ConfigError, ReportError, SourceUnavailable
from assets.extract.input_summary import count_text, counts_line
from assets.render.i18n import load_words
from assets.render.reasons import reason_sentences
from assets.runtime.storage_errors import explaining_errors
from assets.state.alerts import AlertLog
from assets.state.run_lock import sole_run
from orchestration.automation.due_run import DueRun
from orchestration.cli.options import chosen_workspaces, load_for
from orchestration.cli.run_progress import RunProgress
from orchestration.cli.run_summary import lacks_input

UNDELIVERED = 7
"""The exit code where something due was not delivered."""

_LEVELS = {
    State.DEFERRED: "WARNING",
    State.HELD: "ERROR",
    State.UNKNOWN: "ERROR",
    State.FAILED: "ERROR",
    State.EXPIRED: "ERROR",
}
_MAX_NAMED = 3
_INDEX = "index"
_NEXT = "The next `assignment-reports run --send` tries again."


def read_clock() -> datetime:
    """Return the current instant in UTC."""
    return datetime.now(UTC)


def run_due(config: Path, slug: str | None, progress: RunProgress) -> int:
    """Do what is due in the workspace *slug* or in all; return the exit code.

    A workspace that fails stops no other. Raises AlreadyRunning if another process is at it.
    """
    settings, broken = load_for(config, slug)
    workspaces = chosen_workspaces(settings, slug)
    for sentence in broken:
        progress.error(sentence)
    with progress, sole_run(settings.state):
        round_ = _Round(settings, progress, read_clock())
        for workspace in workspaces:
            round_.make(workspace)
            round_.deliver(workspace)
        if slug is None:
            round_.observe_configuration(broken)
        round_.alert()
    exit_code = round_.exit_code or (SourceUnavailable.exit_code if broken else 0)
    if exit_code == ConfigError.exit_code and len(settings.workspaces) > 1:  # the others are done
        exit_code = SourceUnavailable.exit_code
    progress.finish(exit_code)
    return exit_code


@dataclass(slots=True)
class _Round:
    """One `run --send`, begun at *now*: the first exit code other than 0, and what to tell the operator."""

    config: Config
    progress: RunProgress
    now: datetime
    exit_code: int = 0
    failures: list[Failure] = field(default_factory=list)

    @property
    def dispatcher(self) -> Dispatcher:
        return Dispatcher(self.config, Catalog(self.config.state), Ledger(self.config.state), read_clock)

    def make(self, workspace: Workspace) -> None:
        """Load, make and rebuild what is due in *workspace*."""
        catalog = Catalog(self.config.state)
        run = DueRun(self.config, workspace, catalog, self.now, self.progress.of(workspace.slug))
        try:
            run.run()
        except Exception as error:  # noqa: BLE001 - the other workspaces go on
            self._fail(workspace, PLANNING, error)
        else:
            self._recovered(workspace, PLANNING)
        self._say(workspace, run)
        self._observe(workspace, run)
        self._write_index(workspace)

    def _write_index(self, workspace: Workspace) -> None:
        """Write the pages of *workspace*, if this run or one that was killed may have changed them."""
        try:
            with explaining_errors():
                if not is_index_due(self.config.archive, workspace.slug):
                    return
                write_index(Catalog(self.config.state), self.config.archive, [workspace.slug])
        except ReportError as error:
            self._fail(workspace, _INDEX, error)
        else:
            self._recovered(workspace, _INDEX)

    def _say(self, workspace: Workspace, run: DueRun) -> None:
        """Print an event for each input and for each report that waits or is provisional."""
        slug = workspace.slug
        for _, summary in sorted(run.inputs.items()):
            self.progress.event("INFO", counts_line(workspace, summary), slug)
            for problem in summary.problems:
                self.progress.error(problem.reason, slug)
                self.exit_code = self.exit_code or SourceUnavailable.exit_code
        for text in run.waiting:
            self.progress.event("WARNING", text, slug)
        for entry in run.published:
            if lacks_input(entry):
                self.exit_code = self.exit_code or SourceUnavailable.exit_code
            if entry.report.provisional:
                reasons = " ".join(reason_sentences(entry.report, load_words("en")))
                name = f"{entry.report.name} of {entry.report.report_date}"
                self.progress.event("WARNING", f"{name} is provisional: {reasons}", slug)

    def _observe(self, workspace: Workspace, run: DueRun) -> None:
        """Record what failed and what works again, for the operator."""
        if run.load_error:
            self._fail(workspace, LOAD, run.load_error)
        elif run.has_loaded:
            self._recovered(workspace, LOAD)
        if run.report_error:
            names = tuple(sorted({key.report for key in run.failed}))
            dates = sorted({key.report_date for key in run.failed})
            self._fail(workspace, REPORTS, run.report_error, names, ", ".join(map(str, dates)))
        elif run.published:
            self._recovered(workspace, REPORTS)

    def _recovered(self, workspace: Workspace, what: str) -> None:
        AlertLog(self.config.state).end(f"{workspace.slug}/{what}", "It works again.", self.now)

    def _fail(
        self, workspace: Workspace, what: str, error: Exception, reports: Sequence[str] = (), days: str = ""
    ) -> None:
        code = self.progress.failure(workspace.slug, error)
        self.exit_code = self.exit_code or code
        self.failures.append(
            Failure(workspace.slug, what, error, reports=tuple(reports), days=days, next_step=_NEXT)
        )

    def deliver(self, workspace: Workspace) -> None:
        """Send what is due or waits, for each subscription of *workspace*."""
        for subscription in workspace.subscriptions:
            what, started = f"delivery/{subscription.name}", read_clock()
            try:
                with explaining_errors():
                    result = self.dispatcher.deliver(workspace, subscription)
            except Exception as error:  # noqa: BLE001 - the other subscriptions go on
                self._fail(workspace, what, error)
                continue
            finally:
                self._say_deliveries(workspace, subscription, started)
            self._recovered(workspace, what)
            for note in result.notes:
                self.progress.event("INFO", f"{subscription.name}: {note}", workspace.slug)

    def _say_deliveries(self, workspace: Workspace, subscription: Subscription, started: datetime) -> None:
        """Print an event for the deliveries of each report, state and reason that changed since *started*."""

        def key(row: Delivery) -> tuple[str, str, State, str]:
            reason = "" if row.state is State.ACCEPTED else row.reason
            return row.report, str(row.report_date), row.state, reason

        rows = self.dispatcher.ledger.changed_since(workspace.slug, subscription.name, started)
        changed = [row for row in rows if row.state is not State.PLANNED]
        for (report, report_date, state, reason), group in groupby(sorted(changed, key=key), key=key):
            recipients = [row.recipient for row in group if row.recipient]
            named = ", ".join(recipients[:_MAX_NAMED])
            more = f" and {len(recipients) - _MAX_NAMED} more" if len(recipients) > _MAX_NAMED else ""
            to = f" to {named}{more}" if named else ""
            text = f"{subscription.name}, {report} of {report_date}{to}: {state}"
            self.progress.event(
                _LEVELS.get(state, "INFO"), f"{text}, {reason}" if reason else text, workspace.slug
            )
            if state in _LEVELS:
                self.exit_code = self.exit_code or UNDELIVERED

    def observe_configuration(self, broken: Sequence[str]) -> None:
        """Record the mistakes of workspaces that are left out, or that there are none any more."""
        if broken:
            text = "\n".join(broken)
            self.failures.append(Failure("", CONFIGURATION, text, kind=CONFIGURATION, occurrence=text))
        else:
            AlertLog(self.config.state).end(
                f"/{CONFIGURATION}", "Every workspace is configured correctly.", self.now
            )

    def alert(self) -> None:
        """Mail the operator what failed, what was not delivered and what is over; print it."""
        now = read_clock()
        try:
            observe_failures(self.config, self.failures, now)
            observe_deliveries(AlertLog(self.config.state), Ledger(self.config.state), now)
            told = send_alerts(self.config, now)
        except (AlertNotSent, ReportError) as error:
            self.progress.error(str(error))
            self.exit_code = self.exit_code or UNDELIVERED
            return
        if self.config.operator is None:
            for text in told:
                self.progress.event("WARNING", text)
        elif told:
            self.progress.event("INFO", f"{count_text(len(told), 'alert')} mailed to {self.config.operator}")

"""One dispatch round of a subscription: recover orphaned deliveries, plan due ones, send ready ones.

Repeatable: a round never sends a delivery that was sent before. The rules are elsewhere: which issues are
due in `due_deliveries.py`, their content in `prepare.py`, transitions in `delivery.py`.
"""

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from assets.archive.catalog import Catalog
from assets.archive.version import Key
from assets.clock import Clock
from assets.config.deployment import Config
from assets.config.subscription import Subscription
from assets.config.workspace import Workspace
from assets.deliver.channels.base import (
    DEFAULT_TIMEOUTS,
    ChannelUnavailable,
    LoginRefused,
    Timeouts,
    Transport,
)
from assets.deliver.channels.connect import open_transport
from assets.deliver.delivery import Delivery, State, hold_transition, transition_after
from assets.deliver.due_deliveries import Decision, Issue, decide, due_issues
from assets.deliver.ledger import Ledger
from assets.deliver.ledger_session import SendingSession, recovered_result
from assets.deliver.outbox import MailLost, Outbox
from assets.deliver.outcome import AttemptResult, Outcome, Step
from assets.deliver.prepare import Preparation, Prepared
from assets.deliver.recipient_variants import ReportOutdated
from assets.deliver.recipients import resolve_recipients
from assets.errors import ConfigError

_MAX_DISCONNECTS = 3


@dataclass(frozen=True, slots=True)
class DecidedIssue:
    """A due issue, its deliveries so far, and the decision about it with the reason."""

    issue: Issue
    decision: Decision
    why: str
    version: int
    rows: list[Delivery]


@dataclass(slots=True)
class DispatchResult:
    """The result of a round: deliveries by state, notes on issues, and why the server refused all."""

    states: Counter[State] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Starts dispatch rounds; *clock* returns the current instant."""

    config: Config
    catalog: Catalog
    ledger: Ledger
    clock: Clock
    timeouts: Timeouts = DEFAULT_TIMEOUTS

    def decided_issues(self, workspace: Workspace, subscription: Subscription) -> Iterator[DecidedIssue]:
        """Yield each issue that is due since the subscription was first seen."""
        now = self.clock()
        since = self.ledger.since(workspace.slug, subscription.name, subscription.reports, now)
        issues = list(due_issues(workspace, subscription, since, self.config.catch_up_days, now))
        if not issues:
            return
        first = min(issue.report_date for issue in issues)
        versions = self.catalog.newest(first, workspace.slug)
        skipped = self.catalog.skipped(first)
        rows = self.ledger.of_subscription(workspace.slug, subscription.name, first)
        for issue in issues:
            key = Key(workspace.slug, issue.spec.name, issue.report_date)
            mine = [row for row in rows if (row.report, row.report_date) == key[1:]]
            version = versions.get(key)
            decision, why = decide(issue, version, mine, now, is_skipped=key in skipped)
            yield DecidedIssue(issue, decision, why, version.version if version else 0, mine)

    def dates_to_attend(self, workspace: Workspace, subscription: Subscription) -> set[date]:
        """Return the report dates for which a round has deliveries to plan."""
        decided_issues = self.decided_issues(workspace, subscription)
        return {
            decided_issue.issue.report_date
            for decided_issue in decided_issues
            if decided_issue.decision not in {Decision.NOTHING, Decision.WAIT}
        }

    def deliver(self, workspace: Workspace, subscription: Subscription) -> DispatchResult:
        """Run a round for *subscription*, after waiting for any other process that runs one.

        An error in preparing one issue does not stop the others; the first error is raised at the end.
        """
        with self.ledger.sending(workspace.slug, subscription.name) as session:
            round_ = _DispatchRound(self, session, workspace, subscription)
            round_.run(lambda: self.decided_issues(workspace, subscription))
        return round_.done

    def deliver_by_hand(
        self, workspace: Workspace, subscription: Subscription, dates: Collection[date]
    ) -> DispatchResult:
        """Send the archived reports of *dates*, due or not, to recipients without a delivery of them."""
        with self.ledger.sending(workspace.slug, subscription.name) as session:
            round_ = _DispatchRound(self, session, workspace, subscription)
            round_.run(lambda: self._requested_issues(workspace, subscription, dates))
        return round_.done

    def _requested_issues(
        self, workspace: Workspace, subscription: Subscription, dates: Collection[date]
    ) -> Iterator[DecidedIssue]:
        specs = {spec.name: spec for spec in workspace.all_reports}
        rows = self.ledger.of_subscription(workspace.slug, subscription.name, min(dates), max(dates))
        now = self.clock()
        for key, version in self.catalog.newest(min(dates), workspace.slug).items():
            if key.report in subscription.reports and key.report_date in dates:
                issue = Issue(subscription, specs[key.report], key.report_date, now, now)
                mine = [row for row in rows if (row.report, row.report_date) == key[1:]]
                yield DecidedIssue(issue, Decision.BY_HAND, "", version.version, mine)


class _DispatchRound:
    """One round within a *session*: no other process sends for the subscription meanwhile."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        session: SendingSession,
        workspace: Workspace,
        subscription: Subscription,
    ) -> None:
        self.done = DispatchResult()
        self._dispatcher, self._session = dispatcher, session
        self._workspace, self._subscription = workspace, subscription
        self._outbox = Outbox(dispatcher.config.archive, workspace.slug)
        self._too_large = set[str]()

    def run(self, decided_issues: Callable[[], Iterator[DecidedIssue]]) -> None:
        """Run the round for *decided_issues*; see `Dispatcher.deliver`."""
        failed: Exception | None = None
        self.end()
        for decided_issue in decided_issues():
            try:
                self.prepare(decided_issue)
            except Exception as error:  # noqa: BLE001 - the other issues are still prepared
                failed = failed or error
        self.send()
        if failed:
            raise failed

    def end(self) -> None:
        """Settle orphaned deliveries; cancel those of a paused subscription, expire overdue ones."""
        for row in self._session.orphaned():
            self._settle_attempt(row, recovered_result(row))
        now = self._dispatcher.clock()
        if self._subscription.paused:
            for row in self._session.waiting():
                self._session.end(row, State.CANCELLED, "subscription paused", now)
        for row in self._session.overdue(now):
            last = row.reason or "no attempt"
            self._session.end(row, State.EXPIRED, f"expired: {last}", now)
            self.done.states[State.EXPIRED] += 1

    def prepare(self, decided_issue: DecidedIssue) -> None:
        """Record the deliveries of an issue in the ledger and their content in the outbox."""
        issue, dispatcher = decided_issue.issue, self._dispatcher
        preparation = Preparation(
            dispatcher.config, self._workspace, dispatcher.ledger, issue, dispatcher.clock()
        )
        try:
            match decided_issue.decision:
                case Decision.SEND:
                    prepared = preparation.first(decided_issue.version)
                case Decision.BY_HAND:
                    prepared = preparation.by_hand(decided_issue.version, decided_issue.rows)
                case Decision.CORRECT:
                    prepared = preparation.corrected(decided_issue.version, decided_issue.rows)
                case Decision.END:
                    prepared = preparation.ended(decided_issue.why)
                case Decision.WAIT | Decision.NOTHING:
                    prepared = Prepared([], [])
        except ReportOutdated as error:
            self.done.notes.append(f"{issue.spec.name} of {issue.report_date}: {error}")
            return
        dispatcher.ledger.plan(prepared.rows, prepared.superseded, prepared.evaluations)
        if prepared.coverage:
            self.done.notes.append(f"{issue.spec.name} of {issue.report_date}: {prepared.coverage}")
        self.done.states.update(row.state for row in prepared.rows if row.state is not State.PLANNED)

    def send(self) -> None:
        """Send the ready deliveries over one connection while it lasts; hold all of them if none opens."""
        dispatcher = self._dispatcher
        waiting = deque(self._still_wanted(self._session.ready(dispatcher.clock())))
        refusal, disconnects, is_login_refused = "", 0, False
        try:
            while waiting and not refusal:
                with open_transport(
                    dispatcher.config,
                    self._workspace,
                    self._subscription,
                    dispatcher.timeouts,
                    dispatcher.clock,
                ) as transport:
                    while waiting and transport.is_open and not refusal:
                        row = self._session.claim(waiting.popleft(), dispatcher.clock())
                        if row is None:
                            continue
                        result = self._attempt_delivery(transport, row, waiting)
                        refusal = result.text if result.outcome is Outcome.HELD else ""
                        disconnects = (
                            0 if transport.is_open or result.outcome is Outcome.ACCEPTED else disconnects + 1
                        )
                if disconnects == _MAX_DISCONNECTS:
                    refusal = f"the server closed the connection {disconnects} times in a row"
        except (ChannelUnavailable, ConfigError) as error:
            refusal, is_login_refused = str(error), isinstance(error, LoginRefused)
        now = dispatcher.clock()
        for row in waiting:
            waited = now - row.planned_at if is_login_refused else timedelta(0)
            self._session.hold(row, hold_transition(refusal, now, waited), now)
            self.done.states[State.HELD] += 1
        self.done.refusal = refusal

    def _still_wanted(self, rows: Sequence[Delivery]) -> Iterator[Delivery]:
        """Yield those of *rows* whose recipient is still listed; cancel the others."""
        known: set[str] | None = None
        with suppress(ConfigError):  # an unreadable list removes no recipient
            recipients, _ = resolve_recipients(self._dispatcher.config, self._workspace, self._subscription)
            known = {recipient.address.lower() for recipient in recipients}
        for row in rows:
            if row.recipient.lower() in known if known is not None else row.is_mail:
                yield row
            else:
                self._session.end(row, State.CANCELLED, "no longer a recipient", self._dispatcher.clock())

    def _attempt_delivery(
        self, transport: Transport, row: Delivery, waiting: deque[Delivery]
    ) -> AttemptResult:
        """Send the claimed *row* and record the result; one that is too large waits to go without files."""
        mark = self._session.mark_committed
        try:
            content, note = self._fitting_content(row, transport.max_bytes)
        except MailLost as error:
            result = AttemptResult(Outcome.FAILED, Step.MAIL, str(error))
        else:
            result = transport.send(row, content, lambda: mark(row, self._dispatcher.clock()))
            result = replace(result, text=result.text + note)
        if result.is_too_large and row.content_without_files and row.id not in self._too_large:
            self._too_large.add(row.id)
            result = replace(result, outcome=Outcome.DEFERRED)
            waiting.appendleft(replace(row, state=State.DEFERRED, phase=None))
            self.done.states[State.DEFERRED] -= 1  # the attempt without files is counted
        self._settle_attempt(row, result)
        return result

    def _fitting_content(self, row: Delivery, max_bytes: int | None) -> tuple[bytes, str]:
        """Return the content that fits *max_bytes*, and a note if the files were left out."""
        content = self._outbox.get(row.content)
        limit = f"the limit of the server is {max_bytes:,}" if max_bytes else "the server gives no limit"
        fits = row.id not in self._too_large and (max_bytes is None or len(content) <= max_bytes)
        if fits or row.content_without_files is None:
            return content, ""
        note = f" (without files: {len(content):,} bytes, {limit})"
        return self._outbox.get(row.content_without_files), note

    def _settle_attempt(self, row: Delivery, result: AttemptResult) -> None:
        now = self._dispatcher.clock()
        transition = transition_after(
            row, result, now, may_resend=self._subscription.when_unknown == "resend"
        )
        self._session.settle(row, transition, now)
        self.done.states[transition.state] += 1

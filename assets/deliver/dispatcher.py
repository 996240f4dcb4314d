"""One round for a subscription: end what a dead process left, prepare what came due, send what is ready.

Run it as often as you like: what was sent is not sent again.
"""

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date

from assets.archive.catalog import Catalog
from assets.archive.version import Key
from assets.clock import Clock
from assets.config.deployment import Config
from assets.config.subscription import Subscription
from assets.config.workspace import Workspace
from assets.deliver.channels.base import DEFAULT_TIMEOUTS, ChannelUnavailable, Timeouts, Transport
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

_MOST_CUTS = 3


@dataclass(frozen=True, slots=True)
class DecidedIssue:
    """An issue that came due, its deliveries so far, and what is to be done about it."""

    issue: Issue
    act: Decision
    why: str
    version: int
    rows: list[Delivery]


@dataclass(slots=True)
class DispatchResult:
    """What a round did: deliveries by what became of them, notes on issues, why the server refused."""

    states: Counter[State] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """What delivering needs; *clock* tells the time."""

    config: Config
    catalog: Catalog
    ledger: Ledger
    clock: Clock
    patience: Timeouts = DEFAULT_TIMEOUTS

    def decided_issues(self, workspace: Workspace, subscription: Subscription) -> Iterator[DecidedIssue]:
        """Yield each issue that came due since the subscription was first seen."""
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
            act, why = decide(issue, version, mine, now, is_skipped=key in skipped)
            yield DecidedIssue(issue, act, why, version.version if version else 0, mine)

    def dates_to_attend(self, workspace: Workspace, subscription: Subscription) -> set[date]:
        """Return the report dates for which a round has something to prepare."""
        decided_issues = self.decided_issues(workspace, subscription)
        return {
            each.issue.report_date
            for each in decided_issues
            if each.act not in {Decision.NOTHING, Decision.WAIT}
        }

    def deliver(self, workspace: Workspace, subscription: Subscription) -> DispatchResult:
        """Do everything that is to be done now for *subscription*, after any other process that does.

        What keeps an issue from being prepared keeps no other; it is raised at the end.
        """
        with self.ledger.sending(workspace.slug, subscription.name) as session:
            round_ = _DispatchRound(self, session, workspace, subscription)
            round_.run(lambda: self.decided_issues(workspace, subscription))
        return round_.done

    def deliver_by_hand(
        self, workspace: Workspace, subscription: Subscription, dates: Collection[date]
    ) -> DispatchResult:
        """Send the archived reports of *dates*, whenever they were due, to those who were not sent them."""
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
    """One round from the *desk*: nobody else sends for the subscription meanwhile."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        session: SendingSession,
        workspace: Workspace,
        subscription: Subscription,
    ) -> None:
        self.done = DispatchResult()
        self._dispatcher, self._desk = dispatcher, session
        self._workspace, self._subscription = workspace, subscription
        self._outbox = Outbox(dispatcher.config.archive, workspace.slug)

    def run(self, decided_issues: Callable[[], Iterator[DecidedIssue]]) -> None:
        """Do the round for what is *judged*; see `Dispatcher.deliver`."""
        failed: Exception | None = None
        self.end()
        for each in decided_issues():
            try:
                self.prepare(each)
            except Exception as error:  # noqa: BLE001 - the others go on
                failed = failed or error
        self.send()
        if failed:
            raise failed

    def end(self) -> None:
        """Say what became of deliveries whose process ended, or whose time is over."""
        for row in self._desk.orphaned():
            self._settle_attempt(row, recovered_result(row))
        now = self._dispatcher.clock()
        if self._subscription.paused:
            for row in self._desk.waiting():
                self._desk.end(row, State.CANCELLED, "the subscription was paused", now)
        for row in self._desk.overdue(now):
            last = row.reason or "no attempt was made"
            self._desk.end(row, State.EXPIRED, f"its time was over: {last}", now)
            self.done.states[State.EXPIRED] += 1

    def prepare(self, decided_issues: DecidedIssue) -> None:
        """Write down the deliveries of an issue, with the bytes to send."""
        issue, dispatcher = decided_issues.issue, self._dispatcher
        preparation = Preparation(
            dispatcher.config, self._workspace, dispatcher.ledger, issue, dispatcher.clock()
        )
        try:
            match decided_issues.act:
                case Decision.SEND:
                    prepared = preparation.first(decided_issues.version)
                case Decision.BY_HAND:
                    prepared = preparation.by_hand(decided_issues.version, decided_issues.rows)
                case Decision.CORRECT:
                    prepared = preparation.corrected(decided_issues.version, decided_issues.rows)
                case Decision.END:
                    prepared = preparation.ended(decided_issues.why)
                case Decision.WAIT | Decision.NOTHING:
                    prepared = Prepared([], [])
        except ReportOutdated as error:
            self.done.notes.append(f"{issue.spec.name} of {issue.report_date}: {error}")
            return
        dispatcher.ledger.plan(prepared.rows, prepared.superseded)
        if prepared.cutting:
            self.done.notes.append(f"{issue.spec.name} of {issue.report_date}: {prepared.cutting}")
        self.done.states.update(row.state for row in prepared.rows if row.state is not State.PLANNED)

    def send(self) -> None:
        """Send what is ready, over one connection while it lasts; where none can be had, all is held."""
        dispatcher = self._dispatcher
        waiting = deque(self._still_wanted(self._desk.ready(dispatcher.clock())))
        refusal, cuts = "", 0
        try:
            while waiting and not refusal:
                with open_transport(
                    dispatcher.config,
                    self._workspace,
                    self._subscription,
                    dispatcher.patience,
                    dispatcher.clock,
                ) as line:
                    while waiting and line.is_open and not refusal:
                        row = self._desk.claim(waiting.popleft(), dispatcher.clock())
                        if row is None:
                            continue
                        answer = self._attempt_delivery(line, row)
                        refusal = answer.text if answer.outcome is Outcome.HELD else ""
                        cuts = 0 if line.is_open or answer.outcome is Outcome.ACCEPTED else cuts + 1
                if cuts == _MOST_CUTS:
                    refusal = f"the server broke off {cuts} times in a row"
        except (ChannelUnavailable, ConfigError) as error:
            refusal = str(error)
        now = dispatcher.clock()
        for row in waiting:
            self._desk.hold(row, hold_transition(refusal, now), now)
            self.done.states[State.HELD] += 1
        self.done.refusal = refusal

    def _still_wanted(self, rows: Sequence[Delivery]) -> Iterator[Delivery]:
        """Yield those of *rows* whose recipient still is one; the others come to an end."""
        known: set[str] | None = None
        with suppress(ConfigError):  # an unreadable list takes nobody off it
            recipients, _ = resolve_recipients(self._dispatcher.config, self._workspace, self._subscription)
            known = {each.address.lower() for each in recipients}
        for row in rows:
            if row.recipient.lower() in known if known is not None else row.is_mail:
                yield row
            else:
                self._desk.end(row, State.CANCELLED, "is not a recipient any more", self._dispatcher.clock())

    def _attempt_delivery(self, line: Transport, row: Delivery) -> AttemptResult:
        """Hand over *row*, which is claimed, and note what became of it."""
        mark = self._desk.mark_committed
        try:
            content, note = self._fitting_content(row, line.max_bytes)
        except MailLost as error:
            answer = AttemptResult(Outcome.FAILED, Step.MAIL, str(error))
        else:
            answer = line.send(row, content, lambda: mark(row, self._dispatcher.clock()))
            answer = AttemptResult(answer.outcome, answer.step, answer.text + note)
        self._settle_attempt(row, answer)
        return answer

    def _fitting_content(self, row: Delivery, max_bytes: int | None) -> tuple[bytes, str]:
        """Return the bytes that the server takes, and what to say of it."""
        content = self._outbox.get(row.content)
        if max_bytes is None or len(content) <= max_bytes or row.content_without_files is None:
            return content, ""
        note = f" (without files: {len(content):,} bytes, and the server takes {max_bytes:,})"
        return self._outbox.get(row.content_without_files), note

    def _settle_attempt(self, row: Delivery, answer: AttemptResult) -> None:
        now = self._dispatcher.clock()
        became = transition_after(row, answer, now, may_resend=self._subscription.when_unknown == "resend")
        self._desk.settle(row, became, now)
        self.done.states[became.state] += 1

"""Report to the operator what failed and what works again; for Dagster's sensors and the command line alike.

`operator_alerts.py` sends the mails. Add the title and the remedy of another kind of failure here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from assets.config.deployment import Config
from assets.deliver.operator_alerts import send_alerts
from assets.runtime.storage_errors import explain
from assets.state.alerts import AlertLog
from assets.state.incident import Observation

LOAD, REPORTS, PLANNING, CONFIGURATION = "load", "reports", "planning", "configuration"
_DAYS_MISSING = "days_missing"


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that failed: *what* of which workspace, and why.

    *what* is LOAD, REPORTS, or the name of an asset such as `delivery/managers`. *kind* is the kind of the
    error where *error* is a text. *days* says which days or report dates were concerned, *reports* which
    reports failed with REPORTS. *run* is the address of the run, or its ID. *occurrence* tells one failure
    from the next (default: the run, or the instant). The incident ends with a success of all *assets*, or
    with `report_recovered`.
    """

    workspace: str
    what: str
    error: Exception | str
    kind: str = ""
    days: str = ""
    reports: tuple[str, ...] = ()
    next_step: str = ""
    run: str = ""
    occurrence: str = ""
    assets: tuple[str, ...] = ()


def report_failures(config: Config, failures: Iterable[Failure], now: datetime) -> list[str]:
    """Record *failures* and mail the operator what is due; return the texts. Raises AlertNotSent.

    A failure of the same *what* as before continues its incident, which is mailed again after a pause. Call
    it without failures to send what waits for the end of a pause, or for the mail server.
    """
    observe_failures(config, failures, now)
    return send_alerts(config, now)


def observe_failures(config: Config, failures: Iterable[Failure], now: datetime) -> None:
    """Record *failures*; `send_alerts` mails them."""
    alerts = AlertLog(config.state)
    for failure in failures:
        alerts.observe(_observation(config, failure, now), now)


def report_recovered(
    config: Config, workspace: str, what: str, now: datetime, ending: str = "It works again."
) -> list[str]:
    """Record that *what* of *workspace* works, and mail the operator what is due; return the texts.

    Nothing is mailed of what had not failed. Raises AlertNotSent.
    """
    AlertLog(config.state).end(f"{workspace}/{what}", ending, now)
    return send_alerts(config, now)


def report_late(config: Config, slug: str, text: str, now: datetime) -> None:
    """Record that reports of the workspace *slug* are late, unless its load is known to fail: one cause."""
    if not AlertLog(config.state).open(f"{slug}/{LOAD}"):
        late = Failure(
            slug,
            LOAD,
            text,
            kind=_DAYS_MISSING,
            next_step="The sensor catch_up loads the days as soon as the source has them.",
            occurrence=text,
            assets=(f"{slug}/assignment_events",),
        )
        observe_failures(config, [late], now)


def safe_error_text(error: Exception) -> str:
    """Return the text of an error, or only its type if the text might contain data of contacts."""
    return str(explain(error) or f"an unexpected error, {type(error).__name__}")


def _observation(config: Config, failure: Failure, now: datetime) -> Observation:
    error, slug = failure.error, failure.workspace
    kind = failure.kind or type(error).__name__
    reports = failure.reports
    if failure.what in {LOAD, PLANNING}:
        reports = tuple(
            spec.name for each in config.workspaces if each.slug == slug for spec in each.all_reports
        )
    text = safe_error_text(error) if isinstance(error, Exception) else error
    about = failure.days and f" Days: {failure.days}."
    if failure.what == REPORTS and reports:
        about = f" Reports: {', '.join(reports)}" + (f" of {failure.days}." if failure.days else ".")
    return Observation(
        key=f"{slug}/{failure.what}",
        kind=kind,
        title=_title(failure, kind),
        text=f"{text.rstrip('.')}.{about}",
        occurrence=failure.occurrence or failure.run or now.isoformat(),
        next_step=failure.next_step,
        remedy=_remedy(slug, failure.what),
        run=failure.run,
        assets=failure.assets,
        reports=reports,
    )


def _title(failure: Failure, kind: str) -> str:
    titles = {
        LOAD: "the source cannot be read" if kind.startswith("Source") else "the load fails",
        _DAYS_MISSING: "days are not loaded",
        REPORTS: "reports fail",
        PLANNING: "what is due cannot be determined",
        CONFIGURATION: "a workspace is left out: its configuration is wrong",
    }
    title = titles.get(kind) or titles.get(failure.what, f"{failure.what} fails")
    return f"{failure.workspace}: {title}" if failure.workspace else title


def _remedy(slug: str, what: str) -> str:
    """Return what the operator can do about a failure of *what*."""
    if what == LOAD:
        return (
            f"`assignment-reports sources test --workspace {slug}` shows what the source gives. Correct the "
            f"cause and wait, or run `assignment-reports run --workspace {slug}`."
        )
    if what == CONFIGURATION:
        return "Correct it, check it with `assignment-reports check-config`, and reload the code location."
    if what.startswith("delivery/"):
        return f"`assignment-reports deliveries list --workspace {slug}` shows what became of each delivery."
    return "`assignment-reports doctor` checks this machine."

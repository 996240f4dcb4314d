"""What is wrong with a configuration beyond its form: paths, dates, URLs, times and filters that cannot work.

Nothing is loaded or made. `app.py` prints what is found here; what a machine lacks is `doctor.py`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import partial
from itertools import product

from pydantic import SecretStr
from sqlalchemy import dialects, make_url, select
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from assets.config.base import MIN_SECRET_LENGTH, is_literal, missing_names, quote, resolve_secret
from assets.config.channels import safe_url
from assets.config.deployment import Config, missing_variables
from assets.config.metrics import Measure
from assets.config.needed_extras import missing_extras
from assets.config.presentation import Filters
from assets.config.source import FilesSource
from assets.config.teams import NO_TEAM
from assets.config.workspace import Workspace
from assets.deliver.recipients import channel_name
from assets.errors import ConfigError, ReportError
from assets.events import SOURCE_LABELS, source_code
from assets.extract.source_probe import try_source
from assets.periods import local_day
from assets.report.day_notes import read_notes
from assets.report.metrics import component_of
from assets.report.persons import known_persons
from assets.report.teams import Teams, configured_members, find_teams
from assets.sources.database.connections import ADBC_DIALECTS
from assets.sources.files.source import Files
from assets.warehouse.base import Warehouse, open_warehouse
from assets.warehouse.orphans import find_orphans
from assets.warehouse.schema import ASSIGNMENT_LOG

_MAX_NAMED = 5


@dataclass(frozen=True, slots=True)
class ConfigFinding:
    """One thing that cannot work (`is_error`), or that may be a mistake, with its key and what to do."""

    text: str
    is_error: bool = True


def examine_config(config: Config, now: datetime) -> Iterator[ConfigFinding]:
    """Yield what is wrong, workspace by workspace; what needs a secret that is not set is left out."""
    yield from map(ConfigFinding, missing_variables(config))
    yield from (ConfigFinding(str(each)) for each in missing_extras(config).values())
    yield from _check_url(config.state, "state")
    for workspace in config.workspaces:
        key = f"workspaces.{workspace.slug}"
        if workspace.first_day > local_day(now, workspace.zone):
            yield ConfigFinding(
                f"{key}.first_day: {workspace.first_day} is in the future; nothing would be loaded"
            )
        yield from _mask_key(workspace, key)
        yield from _check_notes_file(workspace, key)
        yield from _check_source(workspace, key, now)
        yield from _check_channels(workspace, key)
        known = _KnownValues(partial(open_warehouse, config, workspace.slug), workspace)
        yield from _check_teams(workspace, key, known)
        yield from _check_filters(workspace, key, known)
        yield from _check_metrics(workspace, key, known)
    for orphan in find_orphans(config):
        yield ConfigFinding(
            f"{orphan} belongs to no configured workspace; rename it, if a slug was renamed, else remove it",
            is_error=False,
        )


def _mask_key(workspace: Workspace, key: str) -> Iterator[ConfigFinding]:
    secret = workspace.mask_key
    if secret is not None and not missing_names(secret) and len(resolve_secret(secret)) < MIN_SECRET_LENGTH:
        yield ConfigFinding(f"{key}.mask_key: must have at least {MIN_SECRET_LENGTH} characters")


def _check_notes_file(workspace: Workspace, key: str) -> Iterator[ConfigFinding]:
    try:
        read_notes(workspace)
    except ReportError as error:
        yield from (ConfigFinding(f"{key}.notes_file: {line}") for line in str(error).splitlines())


def _check_source(workspace: Workspace, key: str, now: datetime) -> Iterator[ConfigFinding]:
    source = workspace.source
    for name in ("url", "inbox"):
        url = getattr(source, name, None)
        if isinstance(url, SecretStr):
            yield from _check_url(url, f"{key}.source.{name}")
    if isinstance(source, FilesSource) and workspace.first_day <= local_day(now, workspace.zone):
        try:
            trial = try_source(Files(source), workspace, now)
        except ReportError as error:
            yield ConfigFinding(f"{key}.source: {error}")
            return
        yield from (ConfigFinding(f"{key}.source: {text}") for text in trial.problems)
        yield from (ConfigFinding(f"{key}.source: {text}", is_error=False) for text in trial.warnings)


def _check_url(url: SecretStr, key: str) -> Iterator[ConfigFinding]:
    """Yield what is wrong with a database's URL; of one with variables that are not set, only the dialect."""
    has_gaps = bool(missing_names(url))
    dialect, slashes, _ = url.get_secret_value().partition("://")
    if has_gaps and (not slashes or not is_literal(SecretStr(dialect))):
        return
    try:
        made = make_url(f"{dialect}://" if has_gaps else resolve_secret(url))
        found = made.get_dialect()
        if made.get_backend_name() not in ADBC_DIALECTS:
            found.import_dbapi()
    except NoSuchModuleError:
        near = get_close_matches(dialect, dialects.__all__, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; expected one of {', '.join(dialects.__all__)}"
        yield ConfigFinding(f"{key}: unknown dialect {quote(dialect)}{hint}")
    except (ArgumentError, ValueError):
        yield ConfigFinding(f"{key}: must be a database URL, such as postgresql://user@host/name")
    except ModuleNotFoundError as error:
        yield ConfigFinding(f"{key}: {error}; install the driver")


def _check_channels(workspace: Workspace, key: str) -> Iterator[ConfigFinding]:
    for subscription in workspace.subscriptions:
        channel = subscription.channel
        url = getattr(channel, "url", None)
        if channel and url and not missing_names(url):
            try:
                safe_url(url)
            except ConfigError as error:
                yield ConfigFinding(
                    f"{key}.subscriptions.{subscription.name}.{channel_name(channel)}.url: {error}"
                )


def _check_teams(workspace: Workspace, key: str, known: "_KnownValues") -> Iterator[ConfigFinding]:
    if not workspace.has_teams:
        return
    try:
        members, teams = configured_members(workspace), known.teams()
    except ConfigError as error:
        yield from (ConfigFinding(text) for text in str(error).splitlines())
        return
    people = known.people()
    unknown = [value for values in members.values() for value in values if not _is_among(value, people)]
    if people and unknown:
        more = f" and {len(unknown) - _MAX_NAMED} more" if len(unknown) > _MAX_NAMED else ""
        listed = ", ".join(map(repr, unknown[:_MAX_NAMED]))
        yield ConfigFinding(f"{key}.teams: no event names {listed}{more} so far", is_error=False)
    for (id_, _), names in teams.several.items() if teams else ():
        yield ConfigFinding(
            f"{key}.teams_from_source: {id_!r} is in several teams ({', '.join(names)}) and counts in none; "
            "name the team in `teams`",
            is_error=False,
        )


def _check_filters(workspace: Workspace, key: str, known: "_KnownValues") -> Iterator[ConfigFinding]:
    given = [
        *((f"{key}.reports.{each.name}", each.filters) for each in workspace.reports),
        *((f"{key}.subscriptions.{each.name}", each.filters) for each in workspace.subscriptions),
    ]
    for place, filters in given:
        yield from _check_values(f"{place}.filters", filters, known)


def _check_metrics(workspace: Workspace, key: str, known: "_KnownValues") -> Iterator[ConfigFinding]:
    yield from _check_measures(f"{key}.goals", workspace.goals, known)
    for report in workspace.reports:
        yield from _check_measures(f"{key}.reports.{report.name}.goals", report.goals, known)
    specs = {spec.name: spec for spec in workspace.all_reports}
    for subscription in workspace.subscriptions:
        place = f"{key}.subscriptions.{subscription.name}.when"
        yield from _check_measures(place, subscription.when, known)
        for name, condition in product(subscription.reports, subscription.when):
            component = component_of(condition)
            if component and component not in specs[name].components:
                yield ConfigFinding(
                    f"{place}: `{condition.metric}` requires the component `{component}`, which the report "
                    f"{name} does not have"
                )


def _check_measures(
    place: str, measures: Sequence[Measure], known: "_KnownValues"
) -> Iterator[ConfigFinding]:
    sources = [measure.source for measure in measures if measure.source]
    assignees = [measure.assignee for measure in measures if measure.assignee]
    yield from _check_sources(f"{place}.source", sources, known)
    yield from _check_people(f"{place}.assignee", assignees, known)


def _check_values(place: str, filters: Filters, known: "_KnownValues") -> Iterator[ConfigFinding]:
    yield from _check_sources(f"{place}.source", filters.source, known)
    if filters.team:
        yield from _check_team_filter(f"{place}.team", filters.team, known)
    yield from _check_people(f"{place}.assigned_to", filters.assigned_to, known, "Unassigned")
    yield from _check_people(f"{place}.assigned_by", filters.assigned_by, known)


def _check_sources(place: str, values: Sequence[str], known: "_KnownValues") -> Iterator[ConfigFinding]:
    for value in values:
        if source_code(value) not in SOURCE_LABELS and not _is_among(value, known.sources()):
            choices = {
                each.lower(): each for each in (*SOURCE_LABELS.values(), *SOURCE_LABELS, *known.sources())
            }
            if near := get_close_matches(value.lower(), choices, n=1, cutoff=0.75):
                yield ConfigFinding(f"{place}: unknown source {value!r}; did you mean {choices[near[0]]!r}?")
            else:
                yield ConfigFinding(
                    f"{place}: unknown source {value!r}: no event has it so far", is_error=False
                )


def _check_people(
    place: str, values: Sequence[str], known: "_KnownValues", *others: str
) -> Iterator[ConfigFinding]:
    for value in values:
        if "{recipient." not in value and not _is_among(value, {*known.people(), *others}):
            yield ConfigFinding(
                f"{place}: unknown person {value!r}: no event names them so far", is_error=False
            )


def _check_team_filter(place: str, values: tuple[str, ...], known: "_KnownValues") -> Iterator[ConfigFinding]:
    teams = {name.lower(): name for name in (NO_TEAM, *known.team_names())}
    for value in values:
        if "{recipient." not in value and value.lower() not in teams:
            near = get_close_matches(value.lower(), teams, n=1)
            hint = f"; did you mean {teams[near[0]]!r}?" if near else ""
            is_error = not known.workspace.teams_from_source
            yield ConfigFinding(f"{place}: unknown team {value!r}{hint}", is_error=is_error)


def _is_among(value: str, names: set[str]) -> bool:
    folded = value.replace("_", " ").casefold()
    return any(folded == name.replace("_", " ").casefold() for name in names)


class _KnownValues:
    """The sources, people and teams of a log; empty where nothing is loaded, or it cannot be read."""

    def __init__(self, opened: Callable[[], Warehouse], workspace: Workspace) -> None:
        self._opened = opened
        self.workspace = workspace
        self._found: dict[str, set[str]] = {}

    def sources(self) -> set[str]:
        """Return the sources that events have."""
        return self._distinct_values("source")

    def people(self) -> set[str]:
        """Return names and ids of assignees, and of those who assigned."""
        names = ("assignee_id", "assignee_name", "assigned_by_id", "assigned_by_name")
        return set[str]().union(*map(self._distinct_values, names))

    def teams(self) -> Teams | None:
        """Return the teams with the people of the log. Raises ConfigError if the two do not fit."""
        try:
            warehouse = self._opened()
            persons = known_persons(warehouse, with_names_only=True)
        except Exception:  # noqa: BLE001 - doctor says what is wrong with the warehouse
            return None
        return find_teams(self.workspace, warehouse, persons)

    def team_names(self) -> Iterable[str]:
        """Return the names of the teams; none if they are wrong, which is an error of its own."""
        try:
            teams = self.teams()
            return teams.members if teams else configured_members(self.workspace)
        except ConfigError:
            return ()

    def _distinct_values(self, name: str) -> set[str]:
        if name not in self._found:
            try:
                rows = self._opened().query(select(ASSIGNMENT_LOG.c[name]).distinct())
            except Exception:  # noqa: BLE001 - doctor says what is wrong with the warehouse
                return set()
            self._found[name] = {each for each in rows.column(0).to_pylist() if each}
        return self._found[name]

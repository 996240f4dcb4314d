"""Turn a report's filters into SQL conditions on the log: any value of a filter, all filters together.

Values are matched in Python against the texts in the log, so that every warehouse and the page's own
filters give the same result.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ARRAY, ColumnElement, Text, and_, cast, false, func, literal, or_, select

from assets.config.presentation import Filters
from assets.config.workspace import Workspace
from assets.events import source_code
from assets.report.folding import fold_accents, fold_case, is_same_source
from assets.report.log_table import UNASSIGNED
from assets.report.persons import KnownPersons, known_persons
from assets.report.teams import Teams, find_teams
from assets.warehouse.base import Warehouse
from assets.warehouse.schema import ASSIGNMENT_LOG

_LOG = ASSIGNMENT_LOG.c


@dataclass(frozen=True, slots=True)
class Known:
    """The texts of a log that filter values are compared with; those that no filter needs are empty.

    *teams* are those of the workspace, or None if it has none.
    """

    persons: KnownPersons | None
    teams: Teams | None
    sources: tuple[str, ...]
    contact_names: tuple[str, ...]


def look_up(warehouse: Warehouse, workspace: Workspace, *filters: Filters) -> Known:
    """Read the teams of *workspace*, and the texts that the values of *filters* are compared with.

    Raises ConfigError if the teams are wrong.
    """

    def texts(name: str, *, is_needed: bool) -> tuple[str, ...]:
        values = select(_LOG[name]).where(_LOG[name].is_not(None)).distinct()
        return tuple(warehouse.query(values).column(0).to_pylist()) if is_needed else ()

    needs_persons = workspace.has_teams or any(
        filter_.assigned_to or filter_.assigned_by for filter_ in filters
    )
    persons = known_persons(warehouse, with_names_only=True) if needs_persons else None
    return Known(
        persons,
        find_teams(workspace, warehouse, persons) if persons and workspace.has_teams else None,
        texts("source", is_needed=any(filter_.source for filter_ in filters)),
        texts("contact_name", is_needed=any(filter_.contact for filter_ in filters)),
    )


def filter_conditions(filters: Filters, known: Known) -> list[ColumnElement[bool]]:
    """Return one condition per active filter; docs/reference/configuration.md, Filters."""
    return [
        or_(*alternatives)
        for alternatives in map(list, _conditions_by_filter(filters, known))
        if alternatives
    ]


def _conditions_by_filter(filters: Filters, known: Known) -> Iterator[Iterator[ColumnElement[bool]]]:
    yield (_is_source(value, known.sources) for value in filters.source)
    yield (_is_assignee(value, known.persons) for value in filters.assigned_to)
    yield (_is_in_team(value, known) for value in filters.team)
    yield (_is_person("assigned_by", value, known.persons) for value in filters.assigned_by)
    yield (_is_contact(value, known.contact_names) for value in filters.contact)
    yield (_LOG.conversation_id == value for value in filters.conversation)


def _is_source(value: str, sources: tuple[str, ...]) -> ColumnElement[bool]:
    """Match a code or label."""
    matching = [source for source in sources if is_same_source(value, source)]
    return _LOG.source.in_({source_code(value), *matching})


def _is_assignee(value: str, persons: KnownPersons | None) -> ColumnElement[bool]:
    if fold_case(value) == fold_case(UNASSIGNED):
        return and_(_LOG.assignee_id.is_(None), _LOG.assignee_name.is_(None))
    return _is_person("assignee", value, persons)


def _is_person(role: str, value: str, persons: KnownPersons | None) -> ColumnElement[bool]:
    return persons.are(role, value) if persons else false()


def _is_in_team(value: str, known: Known) -> ColumnElement[bool]:
    return known.teams.are(value, known.persons) if known.teams and known.persons else false()


def _is_contact(value: str, names: tuple[str, ...]) -> ColumnElement[bool]:
    """Match the exact id, or a part of the name, ignoring case and accents."""
    part = fold_accents(value)
    matching = sorted(name for name in names if part in fold_accents(name))
    matching_names = select(func.unnest(cast(literal(matching, ARRAY(Text)), ARRAY(Text))))
    return or_(_LOG.contact_id == value, _LOG.contact_name.in_(matching_names))

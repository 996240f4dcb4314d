"""The report's filters as conditions on the log: any value of one filter, all filters together.

What a value means is looked up among the texts that the log holds, so that every warehouse and the page
answer alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ARRAY, ColumnElement, Text, and_, cast, false, func, literal, or_, select

from assets.config.presentation import Filters
from assets.events import source_code
from assets.report.folding import fold_accents, fold_case
from assets.report.log_table import UNASSIGNED
from assets.report.persons import KnownPersons, known_persons
from assets.warehouse.base import Warehouse
from assets.warehouse.schema import ASSIGNMENT_LOG

_LOG = ASSIGNMENT_LOG.c


@dataclass(frozen=True, slots=True)
class Known:
    """The texts of a log that filters are compared with; those that no filter asks for are not read."""

    persons: KnownPersons | None
    sources: tuple[str, ...]
    contact_names: tuple[str, ...]


def look_up(warehouse: Warehouse, *filters: Filters) -> Known:
    """Read what the values of *filters* are compared with."""

    def texts(name: str, *, is_asked: bool) -> tuple[str, ...]:
        found = select(_LOG[name]).where(_LOG[name].is_not(None)).distinct()
        return tuple(warehouse.query(found).column(0).to_pylist()) if is_asked else ()

    asks_persons = any(each.assigned_to or each.assigned_by for each in filters)
    return Known(
        known_persons(warehouse, with_names_only=True) if asks_persons else None,
        texts("source", is_asked=any(each.source for each in filters)),
        texts("contact_name", is_asked=any(each.contact for each in filters)),
    )


def filter_conditions(filters: Filters, known: Known) -> list[ColumnElement[bool]]:
    """Return one condition per active filter; docs/configuration.md, Filters."""
    return [or_(*each) for each in map(list, _conditions_by_filter(filters, known)) if each]


def _conditions_by_filter(filters: Filters, known: Known) -> Iterator[Iterator[ColumnElement[bool]]]:
    yield (_is_source(value, known.sources) for value in filters.source)
    yield (_is_assignee(value, known.persons) for value in filters.assigned_to)
    yield (_is_person("assigned_by", value, known.persons) for value in filters.assigned_by)
    yield (_is_contact(value, known.contact_names) for value in filters.contact)
    yield (_LOG.conversation_id == value for value in filters.conversation)


def _is_source(value: str, sources: tuple[str, ...]) -> ColumnElement[bool]:
    """Match a code or a label: of the nine by any spelling, of another source by its words in any case."""
    words = fold_case(value.replace("_", " "))
    alike = [each for each in sources if fold_case(each.replace("_", " ")) == words]
    return _LOG.source.in_({source_code(value), *alike})


def _is_assignee(value: str, persons: KnownPersons | None) -> ColumnElement[bool]:
    if fold_case(value) == fold_case(UNASSIGNED):
        return and_(_LOG.assignee_id.is_(None), _LOG.assignee_name.is_(None))
    return _is_person("assignee", value, persons)


def _is_person(role: str, value: str, persons: KnownPersons | None) -> ColumnElement[bool]:
    return persons.are(role, value) if persons else false()


def _is_contact(value: str, names: tuple[str, ...]) -> ColumnElement[bool]:
    """Match the exact id, or a part of the name without regard to case and accents."""
    part = fold_accents(value)
    alike = sorted(each for each in names if part in fold_accents(each))
    listed = select(func.unnest(cast(literal(alike, ARRAY(Text)), ARRAY(Text))))
    return or_(_LOG.contact_id == value, _LOG.contact_name.in_(listed))

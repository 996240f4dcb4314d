"""The report's filters as conditions on the log: any value of one filter, all filters together."""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, and_, func, or_

from assets.events import source_code
from assets.presentation import Filters
from assets.warehouse.schema import ASSIGNMENT_LOG

UNASSIGNED = "Unassigned"
_LOG = ASSIGNMENT_LOG.c


def conditions(filters: Filters) -> list[ColumnElement[bool]]:
    """Return one condition per active filter; docs/configuration.md, Filters."""
    return [or_(*each) for each in map(list, _alternatives(filters)) if each]


def _alternatives(filters: Filters) -> Iterator[Iterator[ColumnElement[bool]]]:
    yield (_source(value) for value in filters.source)
    yield (_assigned_to(value) for value in filters.assigned_to)
    yield (_is_person("assigned_by", value) for value in filters.assigned_by)
    yield (
        or_(_LOG.contact_id == value, func.strpos(func.folded(_LOG.contact_name), func.folded(value)) > 0)
        for value in filters.contact
    )
    yield (_LOG.conversation_id == value for value in filters.conversation)


def _source(value: str) -> ColumnElement[bool]:
    """Match a code or a label: of the nine by any spelling, of another source by its words in any case."""
    words = func.folded(func.replace(_LOG.source, "_", " "))
    return or_(_LOG.source == source_code(value), words == func.folded(value.replace("_", " ")))


def _assigned_to(value: str) -> ColumnElement[bool]:
    if value.casefold() == UNASSIGNED.casefold():
        return and_(_LOG.assignee_id.is_(None), _LOG.assignee_name.is_(None))
    return _is_person("assignee", value)


def _is_person(who: str, value: str) -> ColumnElement[bool]:
    """Match a person by name or id, in any case."""
    columns = (_LOG[f"{who}_id"], _LOG[f"{who}_name"])
    return or_(*(func.folded(column) == func.folded(value) for column in columns))

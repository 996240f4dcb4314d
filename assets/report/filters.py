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
    yield (_LOG.source == source_code(value) for value in filters.source)
    yield (_assigned_to(value) for value in filters.assigned_to)
    yield (or_(_LOG.assigned_by_id == value, _LOG.assigned_by_name == value) for value in filters.assigned_by)
    yield (
        or_(_LOG.contact_id == value, func.strpos(func.folded(_LOG.contact_name), func.folded(value)) > 0)
        for value in filters.contact
    )
    yield (_LOG.conversation_id == value for value in filters.conversation)


def _assigned_to(value: str) -> ColumnElement[bool]:
    if value == UNASSIGNED:
        return and_(_LOG.assignee_id.is_(None), _LOG.assignee_name.is_(None))
    return or_(_LOG.assignee_id == value, _LOG.assignee_name == value)

"""Who a step's people are: an id is a person; a name without an id is whoever alone has had it up to then.

Source: docs/definitions.md, Persons. Names and ids are those of the whole log, so that a report does not
depend on where its period begins.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import ColumnElement, and_, func, or_, select, union_all

from assets.report.folding import fold_case
from assets.warehouse.base import Warehouse
from assets.warehouse.schema import ASSIGNMENT_LOG

ROLES = ("previous_assignee", "assignee", "assigned_by")
_LOG = ASSIGNMENT_LOG.c


@dataclass(frozen=True, slots=True)
class Ownership:
    """A name without an id belongs to the person `id` from `since` until `until`, which may be never."""

    id: str
    name: str
    since: datetime
    until: datetime | None


class KnownPersons:
    """The ids of the log with every name that each has had, and since when."""

    def __init__(self, rows: pa.Table) -> None:
        """Take *rows* with `id`, `name` (either may be null) and `since`, one for each pair."""
        self._rows = rows.to_pylist()

    @cached_property
    def owned(self) -> list[Ownership]:
        """The names that one id alone has had, each while no second id has had it."""
        first: dict[str, dict[str, datetime]] = {}
        for row in self._rows:
            if row["id"] is not None and row["name"] is not None:
                ids = first.setdefault(row["name"], {})
                ids[row["id"]] = min(row["since"], ids.get(row["id"], row["since"]))
        found = []
        for name, ids in sorted(first.items()):
            (since, person), *others = sorted((since, person) for person, since in ids.items())
            until = others[0][0] if others else None
            if until is None or since < until:
                found.append(Ownership(person, name, since, until))
        return found

    def with_ids(self, rows: pa.Table) -> pa.Table:
        """Return *rows* of the log with the ids of people who stand there by a name that belongs to one."""
        micros = rows["occurred_at"].combine_chunks().cast(pa.int64()).to_numpy()
        for role in (role for role in ROLES if f"{role}_id" in rows.column_names):
            names, ids = (
                rows[f"{role}_{part}"].cast(pa.string()).combine_chunks() for part in ("name", "id")
            )
            lacks_id = pc.and_(ids.is_null(), names.is_valid())
            asked = set(pc.unique(names.filter(lacks_id)).to_pylist())
            for each in (each for each in self.owned if each.name in asked):
                is_then = micros >= _to_microseconds(each.since)
                if each.until is not None:
                    is_then &= micros < _to_microseconds(each.until)
                is_theirs = pc.and_(pc.and_(lacks_id, pc.equal(names, each.name)), pa.array(is_then))
                ids = pc.if_else(is_theirs.fill_null(False), each.id, ids)  # noqa: FBT003 - a value
            at = rows.column_names.index(f"{role}_id")
            rows = rows.set_column(at, rows.schema.field(at), ids.cast(rows.schema.field(at).type))
        return rows

    def are(self, role: str, value: str) -> ColumnElement[bool]:
        """Return the condition that *role* is a person whose id or any name is *value*, in any case."""
        id_, name = _LOG[f"{role}_id"], _LOG[f"{role}_name"]
        wanted = fold_case(value)
        meant = [
            row
            for row in self._rows
            if wanted in {fold_case(each) for each in (row["id"], row["name"]) if each}
        ]
        ids = sorted({row["id"] for row in meant if row["id"] is not None})
        names = sorted({row["name"] for row in meant if row["name"] and fold_case(row["name"]) == wanted})
        by_name = [
            and_(
                name == each.name,
                _LOG.occurred_at >= each.since,
                *([_LOG.occurred_at < each.until] if each.until else []),
            )
            for each in self.owned
            if each.id in ids
        ]
        return or_(id_.in_(ids), and_(id_.is_(None), or_(name.in_(names), *by_name)))


def known_persons(warehouse: Warehouse, *, with_names_only: bool = False) -> KnownPersons:
    """Read every id of the log with its names, whatever the day; where asked, also names that stand alone.

    A log without ids costs next to nothing: its columns of ids are empty.
    """
    pairs = (
        select(
            _LOG[f"{role}_id"].label("id"),
            _LOG[f"{role}_name"].label("name"),
            func.min(_LOG.occurred_at).label("since"),
        )
        .where(or_(_LOG[f"{role}_id"].is_not(None), *([_LOG[f"{role}_name"].is_not(None)] * with_names_only)))
        .group_by(_LOG[f"{role}_id"], _LOG[f"{role}_name"])
        for role in ROLES
    )
    return KnownPersons(warehouse.query(union_all(*pairs)))


def have_names_only(rows: pa.Table) -> bool:
    """Tell whether somebody stands in *rows* by name, without an id."""
    return any(
        pc.any(pc.and_(rows[f"{role}_id"].is_null(), rows[f"{role}_name"].is_valid())).as_py()
        for role in ROLES
        if f"{role}_id" in rows.column_names
    )


def _to_microseconds(instant: datetime) -> np.int64:
    return np.int64(pa.scalar(instant, pa.timestamp("us", "UTC")).cast(pa.int64()).as_py())

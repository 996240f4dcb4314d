"""Identify persons: an id is a person; a name without an id is the only person who has had it until then.

Source: docs/reference/definitions.md, People. Names and ids are read from the whole log, so that a report
does not depend on where its period begins.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import ColumnElement, and_, func, literal, not_, or_, select, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by

from assets.report.encoded_log import Person
from assets.report.folding import fold_case
from assets.warehouse.base import Warehouse
from assets.warehouse.schema import ASSIGNMENT_LOG, LOAD_COUNTS, LOG_COUNTS

_found: WeakKeyDictionary[Warehouse, dict[bool, tuple[tuple[object, ...], "KnownPersons"]]] = (
    WeakKeyDictionary()
)
ROLES = ("previous_assignee", "assignee", "assigned_by")
_LOG = ASSIGNMENT_LOG.c


@dataclass(frozen=True, slots=True)
class Ownership:
    """`name` without an id belongs to the person `id` from `since` to before `until` (None: forever)."""

    id: str
    name: str
    since: datetime
    until: datetime | None


class KnownPersons:
    """The ids of the log with all their names, and since when."""

    def __init__(self, rows: pa.Table) -> None:
        """Read *rows* with `id`, `name` (either may be null) and `since`, one for each pair."""
        self._rows = rows.to_pylist()

    @cached_property
    def owned(self) -> list[Ownership]:
        """Return the names with a single id, each until a second id has it."""
        first_seen: dict[str, dict[str, datetime]] = {}
        for row in self._rows:
            if row["id"] is not None and row["name"] is not None:
                ids = first_seen.setdefault(row["name"], {})
                ids[row["id"]] = min(row["since"], ids.get(row["id"], row["since"]))
        ownerships = []
        for name, ids in sorted(first_seen.items()):
            (since, person), *other_ids = sorted((since, person) for person, since in ids.items())
            until = other_ids[0][0] if other_ids else None
            if until is None or since < until:
                ownerships.append(Ownership(person, name, since, until))
        return ownerships

    def names_before(self, instant: datetime) -> dict[str, list[str]]:
        """Return the names that each id had before an instant, sorted."""
        names: dict[str, set[str]] = {}
        for row in self._rows:
            if row["id"] is not None and row["name"] is not None and row["since"] < instant:
                names.setdefault(row["id"], set()).add(row["name"])
        return {id_: sorted(of_id) for id_, of_id in names.items()}

    def with_ids(self, rows: pa.Table) -> pa.Table:
        """Return *rows* of the log with the missing ids of people whose name belongs to an id."""
        micros = rows["occurred_at"].combine_chunks().cast(pa.int64()).to_numpy()
        for role in (role for role in ROLES if f"{role}_id" in rows.column_names):
            names, ids = (
                rows[f"{role}_{column}"].cast(pa.string()).combine_chunks() for column in ("name", "id")
            )
            lacks_id = pc.and_(ids.is_null(), names.is_valid())
            unresolved_names = set(pc.unique(names.filter(lacks_id)).to_pylist())
            for ownership in (ownership for ownership in self.owned if ownership.name in unresolved_names):
                is_owned_then = micros >= _to_microseconds(ownership.since)
                if ownership.until is not None:
                    is_owned_then &= micros < _to_microseconds(ownership.until)
                is_match = pc.and_(
                    pc.and_(lacks_id, pc.equal(names, ownership.name)), pa.array(is_owned_then)
                )
                ids = pc.if_else(is_match.fill_null(False), ownership.id, ids)  # noqa: FBT003 - a value
            column_index = rows.column_names.index(f"{role}_id")
            rows = rows.set_column(
                column_index, rows.schema.field(column_index), ids.cast(rows.schema.field(column_index).type)
            )
        return rows

    def are(self, role: str, value: str) -> ColumnElement[bool]:
        """Return the condition that *role* is a person whose id or any name is *value*, ignoring case."""
        return self.among(role, {*self.find_by_id(value), *self.find_by_name(value)})

    def find_by_id(self, value: str) -> list[Person]:
        """Return the persons whose id is *value*, ignoring case."""
        return self._by_id.get(fold_case(value), [])

    def find_by_name(self, value: str) -> list[Person]:
        """Return the persons who ever had the name *value*, ignoring case."""
        return self._by_name.get(fold_case(value), [])

    @cached_property
    def _by_id(self) -> dict[str, list[Person]]:
        persons: dict[str, list[Person]] = {}
        for row in self._rows:
            if row["id"] is not None:
                persons.setdefault(fold_case(row["id"]), []).append((row["id"], None))
        return persons

    @cached_property
    def _by_name(self) -> dict[str, list[Person]]:
        persons: dict[str, list[Person]] = {}
        for row in self._rows:
            if row["name"] is not None:
                person = (row["id"], None) if row["id"] is not None else (None, row["name"])
                persons.setdefault(fold_case(row["name"]), []).append(person)
        return persons

    def among(self, role: str, persons: Collection[Person]) -> ColumnElement[bool]:
        """Return the condition that *role* is one of *persons*; the log's names without an id are known."""
        id_, name = _LOG[f"{role}_id"], _LOG[f"{role}_name"]
        ids = {id_ for id_, _ in persons if id_ is not None}
        names = {name for _, name in persons if name is not None}
        by_ids = [_is_owned(role, each) for each in self._owned_without_id if each.id in ids]
        by_others = [
            _is_owned(role, each)
            for each in self._owned_without_id
            if each.name in names and each.id not in ids
        ]
        by_name = and_(name.in_(sorted(names)), *(not_(each) for each in by_others))
        return or_(id_.in_(sorted(ids)), and_(id_.is_(None), or_(by_name, *by_ids)))

    @cached_property
    def _owned_without_id(self) -> list[Ownership]:
        """Return who owns the names that rows without an id have: only they need a condition each."""
        names = {row["name"] for row in self._rows if row["id"] is None}
        return [each for each in self.owned if each.name in names]


def _is_owned(role: str, ownership: Ownership) -> ColumnElement[bool]:
    """Return the condition that the name of *role* belongs to an id at the time of the row."""
    return and_(
        _LOG[f"{role}_name"] == ownership.name,
        _LOG.occurred_at >= ownership.since,
        *([_LOG.occurred_at < ownership.until] if ownership.until else []),
    )


def known_persons(warehouse: Warehouse, *, with_names_only: bool = False) -> KnownPersons:
    """Return every id of the log with its names, of all days; *with_names_only* adds names without an id.

    A log without ids costs next to nothing: its id columns are empty. They are read once for all reports that
    are made from the same days.
    """
    digest, found = _digest_of_log(warehouse), _found.setdefault(warehouse, {})
    if with_names_only not in found or found[with_names_only][0] != digest:
        found[with_names_only] = digest, _read_persons(warehouse, with_names_only=with_names_only)
    return found[with_names_only][1]


def _digest_of_log(warehouse: Warehouse) -> tuple[object, ...]:
    """Return what differs once a row of the log may differ."""
    loads, logs = LOAD_COUNTS.c, LOG_COUNTS.c
    of_day = func.concat(logs.local_day, loads.events_sha256, logs.history_sha256, logs.log_sha256)
    in_order = func.string_agg(of_day, aggregate_order_by(literal(" "), logs.local_day))
    same_day = loads.local_day == logs.local_day
    query = select(func.count(), func.md5(in_order)).outerjoin_from(LOG_COUNTS, LOAD_COUNTS, same_day)
    return tuple(warehouse.query(query).to_pylist()[0].values())


def _read_persons(warehouse: Warehouse, *, with_names_only: bool) -> KnownPersons:
    parts = ("id", "name") if with_names_only else ("id",)
    roles = [tuple_(_LOG[f"{role}_id"], _LOG[f"{role}_name"]) for role in ROLES]
    pairs = (
        select(
            *(
                func.coalesce(*(_LOG[f"{role}_{part}"] for role in ROLES)).label(part)
                for part in ("id", "name")
            ),
            func.min(_LOG.occurred_at).label("since"),
        )
        .where(or_(*(_LOG[f"{role}_{part}"].is_not(None) for role in ROLES for part in parts)))
        .group_by(func.grouping_sets(*roles))
        .subquery()
    )
    is_known = or_(*(pairs.c[part].is_not(None) for part in parts))
    return KnownPersons(warehouse.query(select(pairs).where(is_known)))


def have_names_only(rows: pa.Table) -> bool:
    """Tell whether anybody in *rows* has a name but no id."""
    return any(
        pc.any(pc.and_(rows[f"{role}_id"].is_null(), rows[f"{role}_name"].is_valid())).as_py()
        for role in ROLES
        if f"{role}_id" in rows.column_names
    )


def _to_microseconds(instant: datetime) -> np.int64:
    return np.int64(pa.scalar(instant, pa.timestamp("us", "UTC")).cast(pa.int64()).as_py())
